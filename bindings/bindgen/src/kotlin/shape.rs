//! What a UniFFI type is in Kotlin: its name, how it is written and read, and its defaults.

use anyhow::{Result, bail};
use heck::{ToLowerCamelCase as _, ToShoutySnakeCase as _};
use uniffi_bindgen::ComponentInterface;
use uniffi_bindgen::interface::{Field, Type, Variant};

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
        Type::UInt32 => format!("unsigned({value})"),
        Type::Int64 => format!("long({value})"),
        Type::UInt64 => format!("unsigned({value})"),
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
    let text = match field.default_value() {
        Some(default) => format!("{default:?}"),
        None if matches!(of, Type::Enum { .. }) && FIRST_VARIANT.contains(&field.name()) => {
            String::new()
        }
        None => return Ok(String::new()),
    };
    // The only ones in use: nothing, nought, false, a type's own default, and an enum's first.
    let value = match of {
        Type::Optional { .. } => "null".into(),
        Type::Int32 | Type::UInt32 if text.contains("Int(0") => "0".into(),
        Type::Int64 | Type::UInt64 if text.contains("Int(0") => "0".into(),
        Type::Boolean if text.contains("Boolean(false)") => "false".into(),
        Type::Sequence { .. } => "emptyList()".into(),
        Type::Record { name, .. } => format!("{name}()"),
        Type::Enum { name: of, .. } => {
            let definition = interface.get_enum_definition(of);
            match definition.and_then(|found| found.variants().first()) {
                Some(first) => format!("{of}.{}", constant(first.name())),
                None => bail!("`{of}` has no variant to be the default"),
            }
        }
        _ => bail!("field `{}`: the default {text} has no shape in Kotlin here", field.name()),
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
