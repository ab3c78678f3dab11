//! The trace header of AWS X-Ray.

use crate::trace::{TraceCarrier, parse_hex};

/// What AWS tells of a request's trace in the header `X-Amzn-Trace-Id`, which the Lambda runtime hands on as
/// `Lambda-Runtime-Trace-Id` and `_X_AMZN_TRACE_ID`.
///
/// Lambda sends root, parent and decision; load balancers and API Gateway a root alone, or `Self` before it.
///
/// ```
/// use hookstack_core::XRayTrace;
///
/// let header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
/// let trace = XRayTrace::from_header(header).expect("valid");
/// assert_eq!(trace.parent_id, Some([0x53, 0x99, 0x5c, 0x3f, 0x42, 0xcd, 0x8a, 0xd8]));
/// assert_eq!(trace.sampled, Some(true));
///
/// let header = "Self=1-67891234-12456789abcdef012345678;Root=1-67891233-abcdef012345678912345678";
/// let trace = XRayTrace::from_header(header).expect("valid");
/// assert_eq!((trace.parent_id, trace.sampled), (None, None));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct XRayTrace {
    /// The trace id in the form of W3C: 4 bytes of time, 12 of chance.
    pub trace_id: [u8; 16],
    /// The segment that called.
    pub parent_id: Option<[u8; 8]>,
    /// Whether X-Ray records the trace, if that is decided. Lambda functions without active tracing are always
    /// told that it does not.
    pub sampled: Option<bool>,
}

impl XRayTrace {
    /// The key under which hosts put the header into [`CallInfo::trace`](crate::CallInfo::trace).
    pub const KEY: &str = "x-amzn-trace-id";

    /// Reads the header. `None` without a valid root; what else is not valid counts as not there.
    pub fn from_header(header: &str) -> Option<Self> {
        let (mut trace_id, mut parent_id, mut sampled) = (None, None, None);
        for part in header.split(';') {
            match part.trim().split_once('=') {
                Some(("Root", root)) => trace_id = parse_root(root),
                Some(("Parent", parent)) => {
                    parent_id = parse_hex(parent).filter(|id| *id != [0; 8])
                }
                Some(("Sampled", "1")) => sampled = Some(true),
                Some(("Sampled", "0")) => sampled = Some(false),
                _ => {}
            }
        }
        Some(XRayTrace { trace_id: trace_id?, parent_id, sampled })
    }

    /// That of a request, if it brought one.
    pub fn of(carrier: &TraceCarrier) -> Option<Self> {
        XRayTrace::from_header(carrier.get(XRayTrace::KEY)?)
    }
}

/// `1-`, 8 digits of time, `-`, 24 digits.
fn parse_root(root: &str) -> Option<[u8; 16]> {
    let (time, unique) = root.strip_prefix("1-")?.split_once('-')?;
    let (time, unique): ([u8; 4], [u8; 12]) = (parse_hex(time)?, parse_hex(unique)?);
    let mut id = [0; 16];
    id[..4].copy_from_slice(&time);
    id[4..].copy_from_slice(&unique);
    (id != [0; 16]).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "Root=1-5759e988-bd862e3fe1be46a994272793";

    #[test]
    fn parent_and_decision_are_read_in_any_order() {
        for (header, sampled) in [
            (format!("{ROOT};Parent=53995c3f42cd8ad8;Sampled=1"), true),
            (format!("Sampled=0;Parent=53995c3f42cd8ad8;{ROOT}"), false),
        ] {
            let mut carrier = TraceCarrier::new();
            assert_eq!(XRayTrace::of(&carrier), None);
            carrier.set("X-Amzn-Trace-Id", header.as_str());
            let trace = XRayTrace::of(&carrier).expect("a root");
            assert_eq!(trace.parent_id, Some([0x53, 0x99, 0x5c, 0x3f, 0x42, 0xcd, 0x8a, 0xd8]));
            assert_eq!(trace.sampled, Some(sampled), "{header}");
        }
    }

    #[test]
    fn what_is_not_valid_is_ignored() {
        for refused in [
            "",
            "Root=",
            "Root=2-5759e988-bd862e3fe1be46a994272793",
            "Root=1-5759e988bd862e3fe1be46a994272793",
            "Root=1-5759e988-bd862e3fe1be46a99427279",
            "Root=1-5759E988-bd862e3fe1be46a994272793",
            "Root=1-00000000-000000000000000000000000",
            "Root=1-5759e98é-bd862e3fe1be46a994272793",
            "Parent=53995c3f42cd8ad8;Sampled=1",
            "Self=1-5759e988-bd862e3fe1be46a994272793",
        ] {
            assert_eq!(XRayTrace::from_header(refused), None, "{refused}");
        }
        for header in [
            format!("{ROOT};Parent=0000000000000000;Sampled=?"),
            format!(" {ROOT} ; Parent=xyz;Sampled=;Lineage=a87bd80c:0|68fd508a:5|c512fbe3:2"),
        ] {
            let trace = XRayTrace::from_header(&header).expect("a root");
            assert_eq!((trace.parent_id, trace.sampled), (None, None), "{header}");
            assert_eq!(trace.trace_id[..5], [0x57, 0x59, 0xe9, 0x88, 0xbd]);
        }
    }
}
