//! Where files are kept: a folder, or a bucket that speaks S3.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::client::{HttpClient, HttpConnector};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ClientOptions, Error, ObjectStore, ObjectStoreExt, RetryConfig};
use tokio::time::timeout;

use crate::config::{Config, S3};
use crate::messenger;

/// How long S3 may be silent while something is under way.
const SILENCE: Duration = Duration::from_secs(60);
/// How long a request to S3 is tried again.
const RETRIES: RetryConfig = RetryConfig {
    backoff: object_store::BackoffConfig {
        init_backoff: Duration::from_millis(100),
        max_backoff: Duration::from_secs(5),
        base: 2.0,
    },
    max_retries: 5,
    retry_timeout: Duration::from_secs(60),
};
/// How long the first word from S3 is waited for at the start.
const START: Duration = Duration::from_secs(10);

/// The store that `FILES_URL` names, tried out; the words of an error name the setting.
pub(super) async fn open(config: &Config) -> Result<Arc<dyn ObjectStore>, String> {
    if let Some(s3) = &config.s3 {
        return bucket(config, s3).await;
    }
    let folder = config.files_url.to_file_path().map_err(|()| "FILES_URL names no folder".to_owned())?;
    std::fs::create_dir_all(&folder).map_err(|error| format!("FILES_URL: {}: {error}", folder.display()))?;
    let store = LocalFileSystem::new_with_prefix(&folder).map_err(|error| format!("FILES_URL: {error}"))?;
    Ok(Arc::new(store.with_automatic_cleanup(true)))
}

async fn bucket(config: &Config, s3: &S3) -> Result<Arc<dyn ObjectStore>, String> {
    let bucket = config.files_url.host_str().unwrap_or_default();
    let http = messenger::client_builder().read_timeout(SILENCE).build().map_err(|error| error.to_string())?;
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region(&s3.region)
        .with_access_key_id(&s3.access_key_id)
        .with_secret_access_key(s3.secret_access_key.expose())
        .with_retry(RETRIES)
        // Not every service has it.
        .with_disable_bulk_delete(true)
        .with_http_connector(Ours(http));
    if let Some(endpoint) = &s3.endpoint {
        // The settings let it be http for a loopback host only.
        builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
    }
    // Services of one host have the bucket in the path; Amazon's wants it in the host's name.
    let in_host = s3.endpoint.is_none().to_string();
    let builder = builder.with_config(AmazonS3ConfigKey::VirtualHostedStyleRequest, in_host);
    let store = builder.build().map_err(|error| format!("FILES_URL: {}", line(&error)))?;
    let store = PrefixStore::new(store, config.files_url.path().trim_matches('/'));
    try_out(&store, bucket).await?;
    Ok(Arc::new(store))
}

/// A bucket that cannot be written to is found out now, and not by the first client's photo.
async fn try_out(store: &impl ObjectStore, bucket: &str) -> Result<(), String> {
    let path = Path::from("written-at-start");
    let tried = async {
        store.put(&path, "".into()).await?;
        store.delete(&path).await
    };
    match timeout(START, tried).await {
        Err(_) => Err(format!("FILES_URL: the store of the bucket {bucket} does not answer")),
        Ok(Ok(())) => Ok(()),
        Ok(Err(Error::NotFound { .. })) => Err(format!("FILES_URL: there is no bucket {bucket}")),
        Ok(Err(Error::PermissionDenied { .. } | Error::Unauthenticated { .. })) => Err(format!(
            "FILES_URL: the bucket {bucket} refuses us: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY or AWS_REGION is wrong"
        )),
        Ok(Err(error)) => Err(format!("FILES_URL: the bucket {bucket} cannot be written to: {}", line(&error))),
    }
}

/// An error in one line: a service's own words may be a page.
fn line(error: &Error) -> String {
    error.to_string().lines().next().unwrap_or_default().chars().take(160).collect()
}

/// The HTTP client that everything here uses: one TLS, no proxy from the environment.
#[derive(Debug)]
struct Ours(reqwest::Client);

impl HttpConnector for Ours {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.0.clone()))
    }
}
