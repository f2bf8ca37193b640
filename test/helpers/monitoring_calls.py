# Makes the calls on stdin with boto3, and prints the answer to each, or its error, as a line of JSON. What AWS's own model
# does not know in an answer, misses there, or has of another type, is a problem.
import json
import sys
from datetime import datetime

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

config = Config(retries={"total_max_attempts": 1})
types = {
    "structure": dict,
    "list": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "long": int,
    "double": (int, float),
    "timestamp": (int, float),
}


def find_problems(shape, value, place):
    if not isinstance(value, types[shape.type_name]):
        yield f"{place} is no {shape.type_name}"
    elif shape.type_name == "structure":
        for name in shape.required_members:
            if name not in value:
                yield f"{place}.{name} is missing"
        for name, member in value.items():
            if name in shape.members:
                yield from find_problems(shape.members[name], member, f"{place}.{name}")
            else:
                yield f"{place}.{name} is unknown"
    elif shape.type_name == "list":
        for member in value:
            yield from find_problems(shape.member, member, place)
    elif shape.type_name == "string" and shape.enum and value not in shape.enum:
        yield f"{place}: {value} is none of {shape.enum}"


def write(value):
    return value.timestamp() if isinstance(value, datetime) else str(value)


clients = {}
for call in json.load(sys.stdin):
    service, region, name = call["service"], call["region"], call["operation"]
    client = clients.get((service, region)) or boto3.client(service, region_name=region, config=config)
    clients[service, region] = client
    operation = client.meta.service_model.operation_model(name)
    bodies = []
    client.meta.events.register_last(
        f"before-parse.*.{name}", lambda response_dict, **_: bodies.append(response_dict["body"]), unique_id="bodies"
    )
    method = next(own for own, api in client.meta.method_to_api_mapping.items() if api == name)
    try:
        answer = getattr(client, method)(**call["parameters"])
        answer.pop("ResponseMetadata")
        isJson = operation.service_model.resolved_protocol == "json"
        raw = json.loads(bodies[-1]) if isJson and bodies[-1] else {}
        problems = list(find_problems(operation.output_shape, raw, name)) if raw else []
        result = {"answer": answer, "problems": problems}
    except ClientError as error:
        result = {"code": error.response["Error"]["Code"], "message": error.response["Error"]["Message"]}
    client.meta.events.unregister(f"before-parse.*.{name}", unique_id="bodies")
    print(json.dumps(result, default=write))
