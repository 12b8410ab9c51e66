//! What a file of source holds: its modules, its `use` lines, and the paths in its code.
//!
//! Reads tokens and not a syntax tree: that finds the paths in braces and in macro calls too, and
//! none in comments or strings.

use std::iter::Peekable;

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree, token_stream};

/// A path's words as they are written: `crate`, `super` and names.
pub(crate) type Words = Vec<String>;

/// A file's content. `inside` names the modules within the file that something stands in.
#[derive(Default)]
pub(crate) struct Source {
    pub(crate) modules: Vec<ModuleLine>,
    pub(crate) imports: Vec<Import>,
    pub(crate) mentions: Vec<Mention>,
}

/// `mod name;` or `mod name { … }`.
pub(crate) struct ModuleLine {
    pub(crate) inside: Words,
    pub(crate) name: String,
    pub(crate) has_file: bool,
    /// The file's name, where it says one.
    pub(crate) path: Option<String>,
    pub(crate) in_test: bool,
}

/// A name that a `use` line brings in.
pub(crate) struct Import {
    pub(crate) inside: Words,
    pub(crate) name: String,
    pub(crate) words: Words,
}

/// A path, in code or in a `use` line.
pub(crate) struct Mention {
    pub(crate) inside: Words,
    pub(crate) words: Words,
    pub(crate) line: usize,
    /// Whether it is compiled for tests only.
    pub(crate) in_test: bool,
}

type Tokens = Peekable<token_stream::IntoIter>;

impl Source {
    pub(crate) fn read(text: &str) -> Result<Self, proc_macro2::LexError> {
        let mut source = Self::default();
        source.read_tokens(text.parse()?, &Words::new(), false);
        Ok(source)
    }

    fn read_tokens(&mut self, tokens: TokenStream, inside: &Words, in_test: bool) {
        let mut rest = tokens.into_iter().peekable();
        let mut attributes = Attributes::default();
        while let Some(token) = rest.next() {
            let in_test = in_test || attributes.for_tests;
            let mut item_ends = false;
            match token {
                TokenTree::Punct(punct) if punct.as_char() == '#' => attributes.add(rest.peek()),
                TokenTree::Punct(punct) => item_ends = [';', ','].contains(&punct.as_char()),
                TokenTree::Ident(word) if word == "mod" => {
                    self.read_module(&mut rest, inside, in_test, attributes.path.take());
                    item_ends = true;
                }
                // `use<'a>` is a bound of an `impl` type.
                TokenTree::Ident(word) if word == "use" && !is_punct(rest.peek(), '<') => {
                    self.read_use(&mut rest, inside, in_test);
                    item_ends = true;
                }
                // The path in `pub(in path)` says who may use, and uses nothing.
                TokenTree::Ident(word) if word == "pub" => {
                    rest.next_if(|token| matches!(token, TokenTree::Group(_)));
                }
                TokenTree::Ident(word) => self.read_path(&word, &mut rest, inside, in_test),
                TokenTree::Group(group) => {
                    self.read_tokens(group.stream(), inside, in_test);
                    item_ends = group.delimiter() == Delimiter::Brace;
                }
                TokenTree::Literal(_) => {}
            }
            if item_ends {
                attributes = Attributes::default();
            }
        }
    }

    /// A module, from its name on.
    fn read_module(
        &mut self,
        rest: &mut Tokens,
        inside: &Words,
        in_test: bool,
        path: Option<String>,
    ) {
        let Some(TokenTree::Ident(name)) = rest.next() else { return };
        let name = name.to_string();
        let body = rest.next();
        let has_file = !matches!(body, Some(TokenTree::Group(_)));
        let inner = [inside.as_slice(), std::slice::from_ref(&name)].concat();
        self.modules.push(ModuleLine { inside: inside.clone(), name, has_file, path, in_test });
        if let Some(TokenTree::Group(body)) = body {
            self.read_tokens(body.stream(), &inner, in_test);
        }
    }

    /// A `use` line, from behind the word to its semicolon.
    fn read_use(&mut self, rest: &mut Tokens, inside: &Words, in_test: bool) {
        let tree: Vec<TokenTree> =
            std::iter::from_fn(|| rest.next_if(|token| !is_punct(Some(token), ';'))).collect();
        let mut branches = Vec::new();
        collect_branches(tree, &Words::new(), &mut branches);
        for Branch { words, name, line } in branches {
            if let Some(name) = name {
                self.imports.push(Import { inside: inside.clone(), name, words: words.clone() });
            }
            self.mentions.push(Mention { inside: inside.clone(), words, line, in_test });
        }
    }

    /// A path in code, from its first word on. A word by itself is none.
    fn read_path(&mut self, first: &Ident, rest: &mut Tokens, inside: &Words, in_test: bool) {
        let mut words = vec![first.to_string()];
        while next_is_colons(rest) {
            if let Some(word) = rest.next_if(|token| matches!(token, TokenTree::Ident(_))) {
                words.push(word.to_string());
            }
        }
        if words.len() > 1 {
            let line = first.span().start().line;
            self.mentions.push(Mention { inside: inside.clone(), words, line, in_test });
        }
    }
}

/// What the attributes before an item say of it.
#[derive(Default)]
struct Attributes {
    for_tests: bool,
    path: Option<String>,
}

impl Attributes {
    fn add(&mut self, attribute: Option<&TokenTree>) {
        let Some(TokenTree::Group(attribute)) = attribute else { return };
        let text = attribute.stream().to_string().replace(' ', "");
        let condition = text.strip_prefix("cfg(").map(|rest| rest.trim_start_matches("all("));
        let first = condition.and_then(|rest| rest.split([',', ')']).next());
        self.for_tests |= matches!(first, Some("test" | "doctest"));
        if let Some(path) = text.strip_prefix("path=") {
            self.path = Some(path.trim_matches('"').to_owned());
        }
    }
}

/// One of the paths of a `use` line, and the name that it brings in; a `*` brings in none.
struct Branch {
    words: Words,
    name: Option<String>,
    line: usize,
}

/// Splits a `use` tree, whose braces and commas may nest, into its branches.
fn collect_branches(
    tree: impl IntoIterator<Item = TokenTree>,
    prefix: &Words,
    found: &mut Vec<Branch>,
) {
    let mut tokens = tree.into_iter().peekable();
    while tokens.peek().is_some() {
        let mut branch = Branch { words: prefix.clone(), name: None, line: 0 };
        let (mut is_split, mut renames) = (false, false);
        for token in tokens.by_ref() {
            match token {
                TokenTree::Ident(word) if word == "as" => renames = true,
                TokenTree::Ident(word) if renames => branch.name = Some(word.to_string()),
                TokenTree::Ident(word) => {
                    branch.line = word.span().start().line;
                    // `{self}` is the path before the brace.
                    if word != "self" || branch.words.is_empty() {
                        branch.words.push(word.to_string());
                    }
                    branch.name = branch.words.last().cloned();
                }
                TokenTree::Group(group) => {
                    collect_branches(group.stream(), &branch.words, found);
                    is_split = true;
                }
                TokenTree::Punct(punct) if punct.as_char() == '*' => branch.name = None,
                TokenTree::Punct(punct) if punct.as_char() == ',' => break,
                _ => {}
            }
        }
        if !is_split {
            found.push(branch);
        }
    }
}

/// Whether `::` comes next; it is taken.
fn next_is_colons(rest: &mut Tokens) -> bool {
    let mut take_colon = || rest.next_if(|token| is_punct(Some(token), ':')).is_some();
    // A single one, before a type, is taken as well: nothing here reads it.
    take_colon() && take_colon()
}

fn is_punct(token: Option<&TokenTree>, char: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == char)
}
