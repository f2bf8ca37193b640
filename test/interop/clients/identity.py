# Who boto3 finds itself to be, by its default chain.
import boto3

session = boto3.Session()
print(session.get_credentials().access_key, session.client("sts").get_caller_identity()["Arn"])
