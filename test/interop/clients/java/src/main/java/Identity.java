// Who the AWS SDK for Java finds itself to be, by its default chain.
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.services.sts.StsClient;

class Identity {
    public static void main(String[] args) {
        var provider = DefaultCredentialsProvider.builder().build();
        try (provider; var client = StsClient.builder().credentialsProvider(provider).build()) {
            var accessKeyId = provider.resolveCredentials().accessKeyId();
            System.out.println(accessKeyId + " " + client.getCallerIdentity().arn());
        }
    }
}
