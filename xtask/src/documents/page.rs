//! One Markdown file, as far as the checks look at it.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use crate::checkout;

/// One Markdown file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// From the root of the checkout.
    pub path: String,
    /// What its headings can be linked to by.
    pub anchors: BTreeSet<String>,
    /// Text of its headings, in order.
    pub headings: Vec<String>,
    /// Where its links lead, and the lines that they are in.
    pub links: Vec<(String, usize)>,
    /// What is fenced, by language.
    pub blocks: Vec<Block>,
    /// Code inside of sentences, and the lines that it is in.
    pub spans: Vec<(String, usize)>,
}

/// What is fenced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// What stands behind the fence.
    pub language: String,
    /// All between the fences.
    pub text: String,
    /// Number of its first line.
    pub line: usize,
}

/// Every Markdown file of the checkout, by path.
///
/// # Errors
/// Where one cannot be read.
pub fn all() -> Result<Vec<Page>> {
    let mut pages = Vec::new();
    collect(&checkout::root(), &mut pages)?;
    pages.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(pages)
}

/// What is built, and what no person put there, is left out.
fn collect(folder: &Path, pages: &mut Vec<Page>) -> Result<()> {
    let root = checkout::root();
    for entry in fs::read_dir(folder)? {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name()))?;
        let name = name.to_string_lossy();
        if path.is_dir() && !name.starts_with('.') && name != "target" {
            collect(&path, pages)?;
        } else if name.ends_with(".md") {
            let text = fs::read_to_string(&path);
            let text = text.with_context(|| format!("wanted to read {}", path.display()))?;
            let path = path.strip_prefix(&root).unwrap_or(&path);
            pages.push(Page::read(&path.to_string_lossy(), &text));
        }
    }
    Ok(())
}

impl Page {
    /// Reads the text of a file.
    pub fn read(path: &str, text: &str) -> Self {
        let mut page = Self { path: path.to_owned(), ..Self::default() };
        let line_of = |offset: usize| 1 + text[..offset].matches('\n').count();
        let mut heading: Option<String> = None;
        let mut block: Option<Block> = None;
        for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
            let line = line_of(range.start);
            match event {
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => page.headings.extend(heading.take()),
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    page.links.push((dest_url.into_string(), line));
                }
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => {
                    let language = language.into_string();
                    block = Some(Block { language, text: String::new(), line: line + 1 });
                }
                Event::End(TagEnd::CodeBlock) => page.blocks.extend(block.take()),
                Event::Text(part) => {
                    heading.iter_mut().for_each(|heading| heading.push_str(&part));
                    block.iter_mut().for_each(|block| block.text.push_str(&part));
                }
                Event::Code(code) => {
                    heading.iter_mut().for_each(|heading| heading.push_str(&code));
                    page.spans.push((code.into_string(), line));
                }
                _ => {}
            }
        }
        page.anchors = anchors(&page.headings);
        page
    }
}

/// As GitHub makes them: lower case, words joined by `-`, and a number behind each that comes again.
fn anchors(headings: &[String]) -> BTreeSet<String> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let anchor = |heading: &String| {
        let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
        let anchor: String = heading.to_lowercase().chars().filter(kept).collect();
        let anchor = anchor.replace(' ', "-");
        let before = seen.entry(anchor.clone()).or_default();
        *before += 1;
        if *before == 1 { anchor } else { format!("{anchor}-{}", *before - 1) }
    };
    headings.iter().map(anchor).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read_with_its_lines() {
        let text = "# A `b`, c\n\nSee [x](y.md#z).\n\n```console\n$ one\n```\n\n# A b c\n";
        let page = Page::read("p.md", text);
        assert_eq!(page.headings, ["A b, c", "A b c"]);
        assert_eq!(page.anchors, BTreeSet::from(["a-b-c".into(), "a-b-c-1".into()]));
        assert_eq!(page.links, [("y.md#z".to_owned(), 3)]);
        let block = Block { language: "console".into(), text: "$ one\n".into(), line: 6 };
        assert_eq!(page.blocks, [block]);
        assert_eq!(page.spans, [("b".to_owned(), 1)]);
    }
}
