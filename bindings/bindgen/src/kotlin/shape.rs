//! What a UniFFI type is in Kotlin: its name, how it is written and read, and its defaults.

use anyhow::{Result, bail};
use heck::{ToLowerCamelCase as _, ToShoutySnakeCase as _};
use uniffi_bindgen::ComponentInterface;
use uniffi_bindgen::interface::{DefaultValue, Field, Literal, Type, Variant};

/// The type's name.
pub(super) fn name(of: &Type) -> Result<String> {
    Ok(match of {
        Type::Boolean => "Boolean".into(),
        Type::Int32 | Type::UInt32 => "Int".into(),
        Type::Int64 | Type::UInt64 => "Long".into(),
        Type::Float64 => "Double".into(),
        Type::String => "String".into(),
        Type::Bytes => "ByteArray".into(),
        // Qualified: a variant of an enum may have the same name.
        Type::Record { name, .. } | Type::Enum { name, .. } => format!("{}.{name}", super::PACKAGE),
        Type::Optional { inner_type } => format!("{}?", name(inner_type)?),
        Type::Sequence { inner_type } => format!("List<{}>", name(inner_type)?),
        Type::Map { key_type, value_type } => {
            format!("Map<{}, {}>", name(key_type)?, name(value_type)?)
        }
        Type::Custom { builtin, .. } => name(builtin)?,
        other => bail!("a type that has no shape in Kotlin here: {other:?}"),
    })
}

/// The call that writes `value`, on a `ByteWriter`.
pub(super) fn write(of: &Type, value: &str) -> Result<String> {
    Ok(match of {
        Type::Boolean => format!("boolean({value})"),
        Type::Int32 => format!("int({value})"),
        Type::Int64 => format!("long({value})"),
        Type::UInt32 | Type::UInt64 => format!("unsigned({value})"),
        Type::Float64 => format!("double({value})"),
        Type::String => format!("string({value})"),
        Type::Bytes => format!("bytes({value})"),
        Type::Record { name, .. } | Type::Enum { name, .. } => {
            format!("{}({value})", writer(name))
        }
        Type::Optional { inner_type } => {
            format!("optional({value}) {{ {} }}", write(inner_type, "it")?)
        }
        Type::Sequence { inner_type } => {
            format!("sequence({value}) {{ {} }}", write(inner_type, "it")?)
        }
        Type::Map { key_type, value_type } => format!(
            "map({value}) {{ key, value -> {}; {} }}",
            write(key_type, "key")?,
            write(value_type, "value")?
        ),
        Type::Custom { builtin, .. } => write(builtin, value)?,
        other => bail!("a type that has no shape in Kotlin here: {other:?}"),
    })
}

/// The call that reads one, on a `ByteReader`.
pub(super) fn read(of: &Type) -> Result<String> {
    Ok(match of {
        Type::Boolean => "boolean()".into(),
        Type::Int32 | Type::UInt32 => "int()".into(),
        Type::Int64 | Type::UInt64 => "long()".into(),
        Type::Float64 => "double()".into(),
        Type::String => "string()".into(),
        Type::Bytes => "bytes()".into(),
        Type::Record { name, .. } | Type::Enum { name, .. } => format!("{}()", reader(name)),
        Type::Optional { inner_type } => format!("optional {{ {} }}", read(inner_type)?),
        Type::Sequence { inner_type } => format!("sequence {{ {} }}", read(inner_type)?),
        Type::Map { key_type, value_type } => {
            format!("map({{ {} }}, {{ {} }})", read(key_type)?, read(value_type)?)
        }
        Type::Custom { builtin, .. } => read(builtin)?,
        other => bail!("a type that has no shape in Kotlin here: {other:?}"),
    })
}

/// Fields of an enum whose default is its first variant. The definition cannot say so: UniFFI's
/// Swift generator stops at an enum's own default.
const FIRST_VARIANT: [&str; 1] = ["consent"];

/// A parameter's default, as ` = value`; empty where there is none.
pub(super) fn default(field: &Field, of: &Type, interface: &ComponentInterface) -> Result<String> {
    let first_variant = matches!(of, Type::Enum { .. }) && FIRST_VARIANT.contains(&field.name());
    let default = match field.default_value() {
        Some(default) => default,
        None if first_variant => &DefaultValue::Default,
        None => return Ok(String::new()),
    };
    let value = match (default, of) {
        (DefaultValue::Literal(Literal::None), _) => "null".into(),
        (DefaultValue::Literal(Literal::Boolean(value)), _) => value.to_string(),
        (DefaultValue::Literal(Literal::UInt(value, ..)), _) => value.to_string(),
        (DefaultValue::Literal(Literal::Int(value, ..)), _) => value.to_string(),
        (DefaultValue::Default, Type::Sequence { .. }) => "emptyList()".into(),
        (DefaultValue::Default, Type::Record { name, .. }) => format!("{name}()"),
        (DefaultValue::Default, Type::Enum { name: of, .. }) => {
            let definition = interface.get_enum_definition(of);
            match definition.and_then(|found| found.variants().first()) {
                Some(first) => format!("{of}.{}", constant(first.name())),
                None => bail!("`{of}` has no variant to be the default"),
            }
        }
        _ => bail!("field `{}`: the default {default:?} has no shape in Kotlin here", field.name()),
    };
    Ok(format!(" = {value}"))
}

/// The function that writes a type. With a prefix, so that no method of the journey has its name.
pub(super) fn writer(type_name: &str) -> String {
    format!("write{type_name}")
}

/// The function that reads a type.
pub(super) fn reader(type_name: &str) -> String {
    format!("read{type_name}")
}

/// A variant of a flat enum.
pub(super) fn constant(variant: &str) -> String {
    variant.to_shouty_snake_case()
}

/// A field, a parameter or a method.
pub(super) fn member(rust_name: &str) -> String {
    rust_name.to_lower_camel_case()
}

/// A field of a variant: one without a name is its value.
pub(super) fn field_of(variant: &Variant, field: &Field) -> Result<String> {
    match (field.name(), variant.fields().len()) {
        ("", 1) => Ok("value".into()),
        ("", _) => bail!("variant `{}`: several fields without names", variant.name()),
        (name, _) => Ok(member(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_without_a_shape_stops_the_build_by_name() {
        for unknown in [Type::Timestamp, Type::UInt8] {
            let inside = Type::Optional { inner_type: Box::new(unknown.clone()) };
            for refused in [name(&inside), write(&inside, "value"), read(&inside), name(&unknown)] {
                let error = refused.unwrap_err().to_string();
                assert!(error.contains(&format!("{unknown:?}")), "{error}");
            }
        }
    }

    #[test]
    fn what_nests_is_written_and_read_as_it_nests() {
        let inner_type = Box::new(Type::Sequence { inner_type: Box::new(Type::String) });
        let of = Type::Optional { inner_type };
        assert_eq!(name(&of).unwrap(), "List<String>?");
        assert_eq!(write(&of, "x").unwrap(), "optional(x) { sequence(it) { string(it) } }");
        assert_eq!(read(&of).unwrap(), "optional { sequence { string() } }");
    }
}
