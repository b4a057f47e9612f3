//! Where spans go, and of how many messages.

use reqwest::Url;

use super::span;

/// What the collector's address is completed with.
const PATH: &str = "/v1/traces";
/// Characters of a service's name.
const SERVICE_CHARS_MAX: usize = 128;

/// Where spans go, and of how many messages.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    pub(super) url: Url,
    sample: f64,
    pub(super) service: String,
}

/// Settings that make no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WrongSetting {
    /// The collector's address.
    #[error("{0}")]
    Endpoint(String),
    /// Which part of the messages is followed.
    #[error("must be from 0 to 1, but is {0}")]
    Sample(String),
    /// The server's name.
    #[error("must have from 1 to {SERVICE_CHARS_MAX} characters that can be printed")]
    Service,
}

impl Settings {
    /// Checks what somebody chose. Without an endpoint there are no spans, and the rest is checked all
    /// the same.
    ///
    /// # Errors
    /// When something makes no sense.
    pub fn new(endpoint: &str, sample: f64, service: &str) -> Result<Option<Self>, WrongSetting> {
        if !(0.0..=1.0).contains(&sample) {
            return Err(WrongSetting::Sample(sample.to_string()));
        }
        let chars = service.chars().count();
        if chars == 0 || chars > SERVICE_CHARS_MAX || service.chars().any(char::is_control) {
            return Err(WrongSetting::Service);
        }
        if endpoint.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self {
            url: url(endpoint)?,
            sample,
            service: service.to_owned(),
        }))
    }

    /// Of 2^56 messages, how many are followed.
    pub(super) fn of_all_messages(&self) -> u64 {
        span::lots(self.sample)
    }
}

/// The address at which a collector takes traces.
fn url(endpoint: &str) -> Result<Url, WrongSetting> {
    let wrong = |why: &str| WrongSetting::Endpoint(why.to_owned());
    let mut url: Url = endpoint.parse().map_err(|why| {
        WrongSetting::Endpoint(format!(
            "must be an address such as http://127.0.0.1:4318 ({why})"
        ))
    })?;
    match url.scheme() {
        "http" => {}
        "https" => {
            return Err(wrong(
                "must begin with http://: this program has no TLS to a collector; one on the same \
                 machine, or a proxy, can go on with it",
            ));
        }
        _ => return Err(wrong("must begin with http://")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("must have no user and no password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("must end with its path"));
    }
    let path = url.path().trim_end_matches('/');
    if !path.ends_with(PATH) {
        url.set_path(&format!("{path}{PATH}"));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_completed() {
        for (endpoint, url) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("http://[::1]:4318/", "http://[::1]:4318/v1/traces"),
            ("http://here/otlp/", "http://here/otlp/v1/traces"),
            ("http://here/v1/traces", "http://here/v1/traces"),
        ] {
            let settings = Settings::new(endpoint, 1.0, "bridge").expect(endpoint);
            assert_eq!(settings.expect("an endpoint").url.as_str(), url);
        }
        assert_eq!(Settings::new("", 1.0, "bridge"), Ok(None));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for endpoint in [
            "here:4318",
            "127.0.0.1:4318",
            "https://here",
            "grpc://here",
            "http://ann:secret@here",
            "http://here/?a=b",
        ] {
            let refused = Settings::new(endpoint, 1.0, "bridge");
            assert!(
                matches!(refused, Err(WrongSetting::Endpoint(_))),
                "{endpoint}"
            );
        }
        for sample in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            let refused = Settings::new("", sample, "bridge");
            assert!(matches!(refused, Err(WrongSetting::Sample(_))), "{sample}");
        }
        for service in ["", "a\nb", &"x".repeat(129)] {
            let refused = Settings::new("http://here", 1.0, service);
            assert_eq!(refused, Err(WrongSetting::Service), "{service:?}");
        }
    }
}
