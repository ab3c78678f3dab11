//! The guides: from the first function to production, and from other frameworks to this one.
//!
//! Each snippet in them is compiled and run by the tests of the documentation.
//!
//! | to | read |
//! | --- | --- |
//! | write a durable function | [`first_function`], then [serving it](crate::inngest::guide::serving) |
//! | write, test and use a middleware | [`writing_a_middleware`], [`lifecycle`] |
//! | know what each middleware does under each host | [`hosts`] |
//! | keep data from whoever runs the server | [`encryption_in_production`], [the threat model](crate::encryption::threat_model) |
//! | see what happens | [`observability`] |
//! | hand pools, clients and transactions to handlers | [`injection`] |
//! | move | [`from_typescript_or_python`], [`from_powertools`], [`from_fastapi`] |
//! | know why | [`why`] |

#[doc(inline)]
pub use hookstack_core::guide::lifecycle;

#[doc = include_str!("../docs/guide/first_function.md")]
pub mod first_function {}

#[doc = include_str!("../docs/guide/writing_a_middleware.md")]
pub mod writing_a_middleware {}

#[doc = include_str!("../docs/guide/hosts.md")]
pub mod hosts {}

#[doc = include_str!("../docs/guide/encryption_in_production.md")]
pub mod encryption_in_production {}

#[doc = include_str!("../docs/guide/observability.md")]
pub mod observability {}

#[doc = include_str!("../docs/guide/injection.md")]
pub mod injection {}

#[doc = include_str!("../docs/guide/from_typescript_or_python.md")]
pub mod from_typescript_or_python {}

#[doc = include_str!("../docs/guide/from_powertools.md")]
pub mod from_powertools {}

#[doc = include_str!("../docs/guide/from_fastapi.md")]
pub mod from_fastapi {}

#[doc = include_str!("../docs/guide/why.md")]
pub mod why {}
