//! The types an app sees: classes with equality, and no `toString`, so that no content reaches a
//! log by accident.

use std::fmt::Write as _;

use anyhow::Result;
use uniffi_bindgen::ComponentInterface;
use uniffi_bindgen::interface::{AsType as _, Enum, Field, Record};

use super::shape::{self, constant, field_of, member};
use super::{kdoc, visibility};

/// Every record and enum.
pub(super) fn all(interface: &ComponentInterface) -> Result<String> {
    let mut out = String::new();
    for definition in interface.enum_definitions() {
        let text = if interface.is_name_used_as_error(definition.name()) {
            sealed(definition, "Exception()", interface)?
        } else if definition.is_flat() {
            flat(definition)
        } else {
            sealed(definition, "", interface)?
        };
        write!(out, "\n{text}")?;
    }
    for definition in interface.record_definitions() {
        write!(out, "\n{}", record(definition, interface)?)?;
    }
    Ok(out)
}

fn flat(definition: &Enum) -> String {
    let variants: Vec<String> = definition
        .variants()
        .iter()
        .map(|variant| {
            format!("{}    {}", kdoc(variant.docstring(), "    "), constant(variant.name()))
        })
        .collect();
    let (docs, name) = (kdoc(definition.docstring(), ""), definition.name());
    format!("{docs}{} enum class {name} {{\n{},\n}}\n", visibility(name), variants.join(",\n\n"))
}

fn sealed(definition: &Enum, base: &str, interface: &ComponentInterface) -> Result<String> {
    let name = definition.name();
    let visible = visibility(name);
    let mut out = kdoc(definition.docstring(), "");
    let base = if base.is_empty() { String::new() } else { format!(" : {base}") };
    writeln!(out, "{visible} sealed class {name}{base} {{")?;
    for (at, variant) in definition.variants().iter().enumerate() {
        if at > 0 {
            writeln!(out)?;
        }
        let fields: Vec<(String, &Field)> = variant
            .fields()
            .iter()
            .map(|field| Ok((field_of(variant, field)?, field)))
            .collect::<Result<_>>()?;
        let kind =
            Class { docs: variant.docstring(), visible, name: variant.name(), indent: "    " };
        out += &kind.render(&fields, &format!(" : {name}()"), interface)?;
    }
    writeln!(out, "}}")?;
    Ok(out)
}

fn record(definition: &Record, interface: &ComponentInterface) -> Result<String> {
    let fields: Vec<(String, &Field)> =
        definition.fields().iter().map(|field| (member(field.name()), field)).collect();
    let name = definition.name();
    let kind = Class { docs: definition.docstring(), visible: visibility(name), name, indent: "" };
    kind.render(&fields, "", interface)
}

struct Class<'a> {
    docs: Option<&'a str>,
    visible: &'a str,
    name: &'a str,
    indent: &'a str,
}

impl Class<'_> {
    fn render(
        &self,
        fields: &[(String, &Field)],
        base: &str,
        interface: &ComponentInterface,
    ) -> Result<String> {
        let Self { docs, visible, name, indent } = self;
        let mut out = kdoc(*docs, indent);
        let mut overloads = "";
        let mut parameters = String::new();
        for (field_name, field) in fields {
            let of = field.as_type();
            let default = shape::default(field, &of, interface)?;
            if !default.is_empty() {
                // Java's callers have no defaults otherwise.
                overloads = " @JvmOverloads constructor";
            }
            parameters += &kdoc(field.docstring(), &format!("{indent}    "));
            let kotlin = shape::name(&of)?;
            writeln!(parameters, "{indent}    {visible} val {field_name}: {kotlin}{default},")?;
        }
        let parameters =
            if fields.is_empty() { "()".into() } else { format!("(\n{parameters}{indent})") };
        let comparisons: Vec<String> =
            fields.iter().map(|(field, _)| format!("{field} == other.{field}")).collect();
        let equal = std::iter::once(format!("other is {name}")).chain(comparisons);
        let equal = equal.collect::<Vec<_>>().join(&format!(" &&\n{indent}            "));
        let names: Vec<&str> = fields.iter().map(|(field, _)| field.as_str()).collect();
        let hash = if fields.is_empty() {
            format!("\"{name}\".hashCode()")
        } else {
            format!("arrayOf<Any?>({}).contentHashCode()", names.join(", "))
        };
        write!(
            out,
            "{indent}{visible} class {name}{overloads}{parameters}{base} {{
{indent}    override fun equals(other: Any?): Boolean =
{indent}        {equal}

{indent}    override fun hashCode(): Int = {hash}
{indent}}}
"
        )?;
        Ok(out)
    }
}
