//! What a request over HTTP is a part of, as it says itself: the header `traceparent` of W3C.

use super::span::{SpanId, TraceId};

tokio::task_local! {
    /// What the request is a part of that this task answers.
    static REMOTE: Remote;
}

/// A span of somebody else's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remote {
    trace: TraceId,
    span: SpanId,
}

impl Remote {
    /// Reads the header. None when it is none that this program understands: whoever asks is answered
    /// all the same.
    #[must_use]
    pub fn parse(header: &str) -> Option<Self> {
        let mut parts = header.trim().split('-');
        let (version, trace, span, flags) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        // A later version may have more behind it; the first has not.
        let is_ours = version != "00" || parts.next().is_none();
        let lengths = [version, trace, span, flags].map(str::len);
        let all = [version, trace, span, flags].concat();
        let is_hex = all.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if !is_ours || version == "ff" || lengths != [2, 32, 16, 2] || !is_hex {
            return None;
        }
        let trace = u128::from_str_radix(trace, 16).ok().filter(|id| *id != 0)?;
        let span = u64::from_str_radix(span, 16).ok().filter(|id| *id != 0)?;
        Some(Self {
            trace: TraceId(trace),
            span: SpanId(span),
        })
    }

    /// What this task answers is a part of it.
    pub(in crate::telemetry) fn current() -> Option<Self> {
        REMOTE.try_with(|remote| *remote).ok()
    }

    pub(super) const fn link(self) -> (TraceId, SpanId) {
        (self.trace, self.span)
    }
}

/// Does something that is a part of what a request says, if it says so.
pub async fn within<T>(remote: Option<Remote>, work: impl Future<Output = T>) -> T {
    match remote {
        Some(remote) => REMOTE.scope(remote, work).await,
        None => work.await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_well_formed_is_taken() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let remote = Remote::parse(good).expect("a good header");
        assert_eq!(remote.trace.to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(remote.span.to_string(), "b7ad6b7169203331");
        assert_eq!(
            Remote::parse(&format!("cc{}-more", &good[2..])),
            Some(remote)
        );
        for bad in [
            "",
            "00",
            &format!("{good}-more"),
            &format!("ff{}", &good[2..]),
            &good.to_uppercase(),
            &good[..54],
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319-cb7ad6b7169203331-01",
        ] {
            assert_eq!(Remote::parse(bad), None, "{bad:?}");
        }
    }
}
