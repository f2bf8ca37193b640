# Sends calls to the local AWS with boto3: a JSON object on each line of stdin, its answer on a line of stdout. The body of
# each response is also compared with AWS's model, because boto3 takes no notice of members that are missing or unknown.
import base64
import json
import re
import sys
import xml.etree.ElementTree as ElementTree

import boto3
from botocore.config import Config

bodies = []
clients = {}

# AWS answers with other words than its models have. The simulator: as captured by stackd. The others: AWS's examples,
# https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachedPermissionsBoundary.html and
# https://docs.aws.amazon.com/cli/latest/reference/configservice/describe-configuration-recorder-status.html
other_words = {
    "PolicySourceType": ["IAM Policy", "Permissions Boundary Policy"],
    "PermissionsBoundaryAttachmentType": ["Policy"],
    "RecorderStatus": ["PENDING", "SUCCESS", "FAILURE"],
}


def client_of(call):
    service, url, key = call["service"], call["url"], call["key"]
    name = (service, key["accessKeyId"])
    if name not in clients:
        client = boto3.client(
            {"monitoring": "cloudwatch"}.get(service, service),
            region_name=call["region"],
            endpoint_url=url,
            aws_access_key_id=key["accessKeyId"],
            aws_secret_access_key=key["secretAccessKey"],
            config=Config(retries={"total_max_attempts": 1}),
        )
        client.meta.events.register("before-parse", lambda response_dict, **_: bodies.append(response_dict["body"]))
        clients[name] = client
    return clients[name]


def text_problems(shape, text, place):
    kind = shape.type_name
    if kind in ("integer", "long") and not re.fullmatch(r"-?\d+", text):
        yield f"{place}: {text!r} is no {kind}"
    elif kind == "boolean" and text not in ("true", "false"):
        yield f"{place}: {text!r} is no boolean"
    elif kind == "timestamp" and not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z", text):
        yield f"{place}: {text!r} is no timestamp"
    elif kind == "blob" and base64.b64encode(base64.b64decode(text)).decode() != text:
        yield f"{place}: is not base64"
    elif kind == "string":
        yield from string_problems(shape, text, place)


def string_problems(shape, text, place):
    enum, limits = other_words.get(shape.name, getattr(shape, "enum", [])), shape.metadata
    if enum and text not in enum:
        yield f"{place}: {text!r} is none of {enum}"
    if not limits.get("min", 0) <= len(text) <= limits.get("max", sys.maxsize):
        yield f"{place}: has {len(text)} characters, not {limits.get('min')} to {limits.get('max')}"
    pattern = limits.get("pattern")
    if pattern and r"\p{" not in pattern and not re.fullmatch(pattern, text, re.DOTALL):
        yield f"{place}: {text!r} does not match {pattern}"


def members_problems(shape, given, place):
    for name in shape.required_members:
        if name not in given:
            yield f"{place}.{name}: is required and missing"
    for name in given:
        if name not in shape.members:
            yield f"{place}.{name}: is unknown"


def xml_problems(shape, element, place):
    kind = shape.type_name
    if kind == "structure":
        names = {member.serialization.get("name", name): name for name, member in shape.members.items()}
        tags = [local(child) for child in element]
        given = {names.get(tag, tag): child for tag, child in zip(tags, element)}
        if len(given) < len(tags):
            yield f"{place}: a member is there twice"
        yield from members_problems(shape, given, place)
        for name, child in given.items():
            if name in shape.members:
                yield from xml_problems(shape.members[name], child, f"{place}.{name}")
    elif kind == "list":
        tag = shape.member.serialization.get("name", "member")
        for child in element:
            if local(child) != tag:
                yield f"{place}: has {local(child)}, not {tag}"
            yield from xml_problems(shape.member, child, f"{place}[]")
    elif kind == "map":
        for entry in element:
            if [local(child) for child in entry] != ["key", "value"]:
                yield f"{place}: has an entry that is none"
            else:
                yield from xml_problems(shape.key, entry[0], f"{place} key")
                yield from xml_problems(shape.value, entry[1], f"{place} value")
    else:
        if len(element):
            yield f"{place}: has members"
        yield from text_problems(shape, element.text or "", place)


def local(element):
    return element.tag.rpartition("}")[2]


types = {"string": str, "boolean": bool, "integer": int, "long": int, "timestamp": (int, float), "double": (int, float)}


def json_problems(shape, value, place):
    kind = shape.type_name
    if kind == "structure":
        yield from members_problems(shape, value, place)
        for name in value.keys() & shape.members.keys():
            yield from json_problems(shape.members[name], value[name], f"{place}.{name}")
    elif kind == "list":
        for member in value:
            yield from json_problems(shape.member, member, f"{place}[]")
    elif kind == "map":
        for member in value.values():
            yield from json_problems(shape.value, member, place)
    elif not isinstance(value, types[kind]) or (kind != "boolean" and isinstance(value, bool)):
        yield f"{place}: {value!r} is no {kind}"
    elif kind == "string":
        yield from string_problems(shape, value, place)


def body_problems(operation, body):
    shape, place = operation.output_shape, operation.name
    protocol = operation.service_model.resolved_protocol
    if protocol == "json":
        yield from json_problems(shape, json.loads(body or "{}"), place) if shape else []
        return
    root = ElementTree.fromstring(body)
    if protocol == "query":
        if local(root) != f"{operation.name}Response" or root.find("./{*}ResponseMetadata/{*}RequestId") is None:
            yield f"{place}: the response has another form"
        result = root.find(f"./{{*}}{operation.name}Result")
        if (result is None) != (shape is None or not shape.members):
            yield f"{place}: the result is missing, or should not be there"
        if result is not None and shape is not None:
            yield from xml_problems(shape, result, place)
    else:
        yield from xml_problems(shape, root, place)


def answer(call):
    client = client_of(call)
    names = {operation: method for method, operation in client.meta.method_to_api_mapping.items()}
    bodies.clear()
    output = getattr(client, names[call["operation"]])(**call["input"])
    operation = client.meta.service_model.operation_model(call["operation"])
    return {"output": output, "problems": list(body_problems(operation, bodies[-1]))}


for line in sys.stdin:
    try:
        result = answer(json.loads(line))
    except Exception as error:  # Everything that goes wrong is for the test to report.
        result = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(result, default=str), flush=True)
