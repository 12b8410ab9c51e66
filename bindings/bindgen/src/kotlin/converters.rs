//! How each type is written and read: UniFFI's own form, in which Rust takes and gives it.

use std::fmt::Write as _;

use anyhow::Result;
use uniffi_bindgen::ComponentInterface;
use uniffi_bindgen::interface::{AsType as _, Enum, Record};

use super::shape::{self, constant, field_of, member};

/// A writer and a reader for every record and enum.
pub(super) fn all(interface: &ComponentInterface) -> Result<String> {
    let mut out = String::new();
    for definition in interface.enum_definitions() {
        let text = if definition.is_flat() && !interface.is_name_used_as_error(definition.name()) {
            flat(definition)
        } else {
            sealed(definition)?
        };
        write!(out, "\n{text}")?;
    }
    for definition in interface.record_definitions() {
        write!(out, "\n{}", record(definition)?)?;
    }
    Ok(out)
}

/// By name and not by ordinal: Kotlin's order of the variants may differ.
fn flat(definition: &Enum) -> String {
    let name = definition.name();
    let constants: Vec<String> =
        definition.variants().iter().map(|variant| constant(variant.name())).collect();
    let numbered = || constants.iter().zip(1..);
    let writes: Vec<String> = numbered()
        .map(|(constant, number)| format!("        {name}.{constant} -> int({number})"))
        .collect();
    let reads: Vec<String> =
        numbered().map(|(constant, number)| format!("    {number} -> {name}.{constant}")).collect();
    let (writes, reads) = (writes.join("\n") + "\n", reads.join("\n") + "\n");
    let (write, read) = (shape::writer(name), shape::reader(name));
    format!(
        "internal fun ByteWriter.{write}(value: {name}) {{
    when (value) {{
{writes}    }}
}}

internal fun ByteReader.{read}(): {name} = when (val variant = int()) {{
{reads}    else -> unknown(\"{name}\", variant)
}}
"
    )
}

fn sealed(definition: &Enum) -> Result<String> {
    let name = definition.name();
    let (mut writes, mut reads) = (String::new(), String::new());
    for (variant, number) in definition.variants().iter().zip(1..) {
        let class = format!("{name}.{}", variant.name());
        let mut lines = String::new();
        let mut arguments = Vec::new();
        for field in variant.fields() {
            let of = field.as_type();
            let field_name = field_of(variant, field)?;
            let call = shape::write(&of, &format!("value.{field_name}"))?;
            writeln!(lines, "            {call}")?;
            arguments.push(shape::read(&of)?);
        }
        write!(writes, "        is {class} -> {{\n            int({number})\n{lines}        }}\n")?;
        writeln!(reads, "    {number} -> {class}({})", arguments.join(", "))?;
    }
    let (write, read) = (shape::writer(name), shape::reader(name));
    Ok(format!(
        "internal fun ByteWriter.{write}(value: {name}) {{
    when (value) {{
{writes}    }}
}}

internal fun ByteReader.{read}(): {name} = when (val variant = int()) {{
{reads}    else -> unknown(\"{name}\", variant)
}}
"
    ))
}

fn record(definition: &Record) -> Result<String> {
    let name = definition.name();
    let (mut writes, mut reads) = (String::new(), String::new());
    for field in definition.fields() {
        let of = field.as_type();
        let call = shape::write(&of, &format!("value.{}", member(field.name())))?;
        writeln!(writes, "    {call}")?;
        writeln!(reads, "    {},", shape::read(&of)?)?;
    }
    let (write, read) = (shape::writer(name), shape::reader(name));
    Ok(format!(
        "internal fun ByteWriter.{write}(value: {name}) {{
{writes}}}

internal fun ByteReader.{read}(): {name} = {name}(
{reads})
"
    ))
}
