//! How much of a text is told. Ids, names and messages come from outside and can be of any size.

/// Of names and ids, in bytes.
pub(crate) const NAME: usize = 1024;
/// Of a message.
pub(crate) const MESSAGE: usize = 4 * 1024;
/// Of all messages of one failure, its own and those of its sources.
pub(crate) const MESSAGES: usize = 16 * 1024;
/// Of a stack that was stored with an error.
pub(crate) const STACK: usize = 16 * 1024;
/// How many errors there are in a failure, itself and its sources, or beside it.
pub(crate) const ERRORS: usize = 16;

/// The beginning of a text, of so many bytes at most.
pub(crate) fn cut(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}
