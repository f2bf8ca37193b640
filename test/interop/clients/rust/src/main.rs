// Who the AWS SDK for Rust finds itself to be, by its default chain.
use aws_config::BehaviorVersion;
use aws_credential_types::provider::ProvideCredentials;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let http = aws_smithy_http_client::Builder::new().build_http();
    let config = aws_config::defaults(BehaviorVersion::latest()).http_client(http).load().await;
    let identity = aws_sdk_sts::Client::new(&config).get_caller_identity().send().await?;
    let credentials = config.credentials_provider().ok_or("no credentials provider")?.provide_credentials().await?;
    println!("{} {}", credentials.access_key_id(), identity.arn().unwrap_or_default());
    Ok(())
}
