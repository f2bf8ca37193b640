# Which of the calls on stdin botocore would not send, or AWS would refuse for their form: unknown services, operations and
# parameters, missing ones, wrong types and lengths, words that are none of an enumeration. A line each on stdout.
import json
import sys

import botocore.session
from botocore.validate import ParamValidator

session = botocore.session.get_session()


def refused(shape, value, place):
    if shape.type_name == "structure":
        for name, member in value.items():
            yield from refused(shape.members[name], member, f"{place}.{name}")
    elif shape.type_name == "list":
        for member in value:
            yield from refused(shape.member, member, place)
    elif shape.type_name == "string":
        if shape.enum and value not in shape.enum:
            yield f"{place}: {value} is none of {shape.enum}"
        if len(value) > shape.metadata.get("max", sys.maxsize):
            yield f"{place}: is longer than {shape.metadata['max']}"


for call in json.load(sys.stdin):
    service, operation, parameters = call["service"], call["operation"], call["parameters"]
    shape = session.get_service_model(service).operation_model(operation).input_shape
    report = ParamValidator().validate(parameters, shape)
    place = f"{service} {operation}"
    problems = [report.generate_report()] if report.has_errors() else list(refused(shape, parameters, place))
    for problem in problems:
        print(f"{place}: {problem}")
