"""Texts that have a form: as types of fields, and as the JSON schemas that say so."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema
from pydantic.json_schema import JsonSchemaValue

from enforcer import names, reasons, times
from enforcer.configuration import fields

_COMPONENT = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*"

REGISTRY: JsonSchemaValue = {"type": "string", "pattern": "^[a-z0-9][a-z0-9._-]{0,62}$"}
NAMESPACE: JsonSchemaValue = {"type": "string", "pattern": f"^(?:_|{_COMPONENT})$", "maxLength": 255}
REPOSITORY: JsonSchemaValue = {"type": "string", "pattern": f"^{_COMPONENT}(?:/{_COMPONENT})*$", "maxLength": 255}
TAG: JsonSchemaValue = {"type": "string", "pattern": "^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$"}
DIGEST: JsonSchemaValue = {"type": "string", "pattern": "^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$"}
REASON: JsonSchemaValue = {"type": "string", "pattern": "\\S", "minLength": 1, "maxLength": reasons.LONGEST}
TIME: JsonSchemaValue = {"type": "string", "format": "date-time"}

RegistryName = Annotated[fields.RegistryName, WithJsonSchema(REGISTRY)]
Namespace = Annotated[fields.Namespace, WithJsonSchema(NAMESPACE)]
Repository = Annotated[str, AfterValidator(names.Repository), WithJsonSchema(REPOSITORY)]
Tag = Annotated[str, AfterValidator(names.Tag), WithJsonSchema(TAG)]
Digest = Annotated[str, AfterValidator(names.Digest), WithJsonSchema(DIGEST)]
Reason = Annotated[str, AfterValidator(reasons.read_reason), WithJsonSchema(REASON)]
Time = Annotated[str, AfterValidator(times.Time), WithJsonSchema(TIME)]

# In answers, whose texts are of these forms already:
RegistryText = Annotated[str, WithJsonSchema(REGISTRY)]
NamespaceText = Annotated[str, WithJsonSchema(NAMESPACE)]
RepositoryText = Annotated[str, WithJsonSchema(REPOSITORY)]
TagText = Annotated[str, WithJsonSchema(TAG)]
DigestText = Annotated[str, WithJsonSchema(DIGEST)]
TimeText = Annotated[str, WithJsonSchema(TIME)]
