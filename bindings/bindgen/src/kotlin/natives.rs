//! The native methods, and the journey's class over them.

use anyhow::{Result, bail};
use uniffi_bindgen::ComponentInterface;
use uniffi_bindgen::interface::{Argument, AsType as _, Constructor, Method, Type};

use super::of_kotlin;
use super::shape::{self, member, reader};

/// `Native`, whose names `bindings/src/jni.rs` implements, and `NativeJourney`.
pub(super) fn all(interface: &ComponentInterface) -> Result<String> {
    let mut externals = Vec::new();
    let mut methods = Vec::new();
    for object in interface.object_definitions() {
        let [constructor] = object.constructors()[..] else {
            bail!("object `{}`: one constructor can cross", object.name());
        };
        externals.push(external(constructor.name()));
        methods.push(companion(constructor)?);
        for method in object.methods().into_iter().filter(|method| of_kotlin(method.name())) {
            externals.push(external(method.name()));
            methods.push(of_method(method)?);
        }
    }
    Ok(format!(
        "
/** The methods of the native library; their arguments and results are bytes. */
internal object Native {{
    /** Called by the native library, by name, on a thread of its own. */
    @JvmStatic
    fun consentNeeded(handle: Long) = OpenJourneys.consentNeeded(handle)

{}}}

/** A journey of the native library. */
internal class NativeJourney(val handle: Long) {{
{}}}
",
        externals.join("\n"),
        methods.join("\n")
    ))
}

fn external(rust_name: &str) -> String {
    let name = member(rust_name);
    format!(
        "    @JvmStatic
    external fun {name}(handle: Long, input: ByteArray, length: Int): ByteArray?
"
    )
}

fn companion(constructor: &Constructor) -> Result<String> {
    let name = member(constructor.name());
    let (parameters, writes) = arguments(&constructor.arguments())?;
    Ok(format!(
        "    companion object {{
        fun {name}({parameters}): NativeJourney = NativeJourney(
            ask({writes}, {{ input, length -> Native.{name}(0, input, length) }}) {{ long() }},
        )
    }}
"
    ))
}

fn of_method(method: &Method) -> Result<String> {
    let name = member(method.name());
    if method.is_async() {
        bail!("method `{name}`: nothing asynchronous can cross");
    }
    let (parameters, writes) = arguments(&method.arguments())?;
    let call = format!("{{ input, length -> Native.{name}(handle, input, length) }}");
    Ok(match (method.return_type(), method.throws_type()) {
        (None, None) => format!(
            "    fun {name}({parameters}) =
        tell({writes}, {call})
"
        ),
        (Some(result), None) => format!(
            "    fun {name}({parameters}): {} =
        ask({writes}, {call}) {{ {} }}
",
            shape::name(result)?,
            shape::read(result)?
        ),
        (Some(result), Some(Type::Enum { name: error, .. })) => format!(
            "    /** Throws [{error}]. */
    fun {name}({parameters}): {} = ask(
        {writes},
        {call},
        {{ {}() }},
    ) {{ {} }}
",
            shape::name(result)?,
            reader(error),
            shape::read(result)?
        ),
        _ => bail!("method `{name}`: its outcome has no shape in Kotlin here"),
    })
}

/// The parameters, and the lambda that writes them.
fn arguments(arguments: &[&Argument]) -> Result<(String, String)> {
    let mut parameters = Vec::new();
    let mut writes = Vec::new();
    for argument in arguments {
        let (name, of) = (member(argument.name()), argument.as_type());
        parameters.push(format!("{name}: {}", shape::name(&of)?));
        writes.push(shape::write(&of, &name)?);
    }
    let writes = match writes.len() {
        0 => "{}".into(),
        _ => format!("{{ {} }}", writes.join("; ")),
    };
    Ok((parameters.join(", "), writes))
}
