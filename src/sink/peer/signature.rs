//! Standard Webhooks: a receiver can tell that a request comes from us, is whole and is not an old one
//! (<https://www.standardwebhooks.com>, version 1).

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;

use super::Headers;
use crate::config::SecretError;

/// Bytes of a key at least, by the specification.
const SHORTEST_KEY: usize = 24;

/// People leave the `=` out.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Signs with one key, or with several while the receiver changes from one to the other.
pub(super) struct Signer(Vec<hmac::Key>);

impl Signer {
    /// Keys separated by spaces, each as `whsec_` with base64 behind it, or as it stands.
    ///
    /// # Errors
    /// When one is not base64, too short, or for another kind of signature. Never shows it.
    pub(super) fn new(secret: &str) -> Result<Self, SecretError> {
        let keys = (1..).zip(secret.split_whitespace()).map(|(number, text)| {
            let key = key(text).map_err(|why| SecretError(format!("signing_secret: key {number} {why}")))?;
            Ok(hmac::Key::new(hmac::HMAC_SHA256, &key))
        });
        let keys: Vec<_> = keys.collect::<Result<_, _>>()?;
        if keys.is_empty() {
            return Err(SecretError("signing_secret holds spaces only".to_owned()));
        }
        Ok(Self(keys))
    }

    /// The headers of a request that is sent now. The id has no dot in it.
    pub(super) fn headers(&self, id: &str, now: Timestamp, body: &[u8]) -> Headers {
        let timestamp = now.as_second().to_string();
        let signatures = self.0.iter().map(|key| {
            let mut signed = hmac::Context::with_key(key);
            for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
                signed.update(part);
            }
            format!("v1,{}", BASE64_STANDARD.encode(signed.sign()))
        });
        let signatures = signatures.collect::<Vec<_>>().join(" ");
        vec![
            ("webhook-id".to_owned(), id.to_owned()),
            ("webhook-timestamp".to_owned(), timestamp),
            ("webhook-signature".to_owned(), signatures),
        ]
    }
}

fn key(text: &str) -> Result<Vec<u8>, String> {
    let key = match text.strip_prefix("whsec_") {
        Some(base64) => LENIENT
            .decode(base64)
            .map_err(|_| "is not base64 behind whsec_; copy it whole, without quotes".to_owned())?,
        None if text.starts_with("whsk_") || text.starts_with("whpk_") => {
            return Err("is for signatures of the kind v1a (ed25519), which are not made here; \
                        use a whsec_ secret"
                .to_owned());
        }
        None => text.as_bytes().to_vec(),
    };
    if key.len() < SHORTEST_KEY {
        let bytes = key.len();
        return Err(format!(
            "has {bytes} bytes, and Standard Webhooks asks for {SHORTEST_KEY} to 64; make one with: \
             echo whsec_$(openssl rand -base64 32)"
        ));
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example that the libraries of the specification are tested with.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    /// The same request, signed by Python's hmac with the text as it stands.
    const PLAIN: &str = "twenty-four-bytes-or-more";
    const PLAIN_SIGNATURE: &str = "v1,Pn4DoZWqpCgkgipPUWFLrolpFtL6pnd2Q/0OxL0x8x0=";

    fn signed(secret: &str) -> Headers {
        let now = Timestamp::from_second(1_614_265_330).unwrap();
        let signer = Signer::new(secret).unwrap();
        signer.headers("msg_p5jXN8AQM9LWM0D4loKWxJek", now, b"{\"test\": 2432232314}")
    }

    fn refused(secret: &str) -> String {
        let Err(SecretError(error)) = Signer::new(secret) else { panic!("{secret} is taken") };
        error
    }

    #[test]
    fn a_request_is_signed_as_the_specification_wants() {
        let headers = signed(SECRET);
        let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(
            headers,
            [
                ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
                ("webhook-timestamp", "1614265330"),
                ("webhook-signature", SIGNATURE),
            ]
        );
    }

    #[test]
    fn several_keys_make_several_signatures_in_their_order() {
        assert_eq!(signed(PLAIN)[2].1, PLAIN_SIGNATURE);
        let both = signed(&format!("{SECRET}  {PLAIN} "));
        assert_eq!(both[2].1, format!("{SIGNATURE} {PLAIN_SIGNATURE}"));
    }

    #[test]
    fn a_key_that_cannot_be_used_is_refused_without_being_shown() {
        for (secret, words) in [
            ("whsec_not*base64", "key 1 is not base64"),
            ("whsec_c2hvcnQ=", "key 1 has 5 bytes"),
            ("whsec_c2hvcnQ", "key 1 has 5 bytes"),
            ("whsec_", "key 1 has 0 bytes"),
            ("tooshort", "key 1 has 8 bytes"),
            ("whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "key 1 is for signatures of the kind v1a"),
            ("  ", "spaces only"),
        ] {
            let error = refused(secret);
            assert!(error.contains(words), "{error}");
            let key = secret.trim().trim_start_matches("whsec_");
            assert!(key.is_empty() || !error.contains(key), "{error}");
        }
        assert!(refused(&format!("{SECRET} short")).contains("key 2 has 5 bytes"));
    }
}
