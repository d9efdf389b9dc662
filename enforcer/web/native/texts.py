"""Texts that have a form: as types of fields, and as the JSON schemas that say so."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, WithJsonSchema
from pydantic.json_schema import JsonSchemaValue

from enforcer import names, times
from enforcer.validation import fields

_COMPONENT = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*"

REGISTRY: JsonSchemaValue = {"type": "string", "pattern": "^[a-z0-9][a-z0-9._-]{0,62}$"}
NAMESPACE: JsonSchemaValue = {"type": "string", "pattern": f"^(?:_|{_COMPONENT})$", "maxLength": 255}
REPOSITORY: JsonSchemaValue = {"type": "string", "pattern": f"^{_COMPONENT}(?:/{_COMPONENT})*$", "maxLength": 255}
TAG: JsonSchemaValue = {"type": "string", "pattern": "^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$"}
DIGEST: JsonSchemaValue = {"type": "string", "pattern": "^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$"}
REASON: JsonSchemaValue = {"type": "string", "pattern": "\\S", "minLength": 1, "maxLength": names.REASON_LENGTH}
TIME: JsonSchemaValue = {"type": "string", "format": "date-time"}

RegistryName = Annotated[fields.RegistryName, WithJsonSchema(REGISTRY)]
Namespace = Annotated[fields.Namespace, WithJsonSchema(NAMESPACE)]
Repository = Annotated[str, AfterValidator(names.Repository), WithJsonSchema(REPOSITORY)]
Tag = Annotated[str, AfterValidator(names.Tag), WithJsonSchema(TAG)]
Digest = Annotated[str, AfterValidator(names.Digest), WithJsonSchema(DIGEST)]
Reason = Annotated[str, AfterValidator(names.read_reason), WithJsonSchema(REASON)]
Time = Annotated[str, AfterValidator(times.Time), WithJsonSchema(TIME)]

# In answers, whose texts are of these forms already:
RegistryText = Annotated[str, WithJsonSchema(REGISTRY)]
NamespaceText = Annotated[str, WithJsonSchema(NAMESPACE)]
RepositoryText = Annotated[str, WithJsonSchema(REPOSITORY)]
TagText = Annotated[str, WithJsonSchema(TAG)]
DigestText = Annotated[str, WithJsonSchema(DIGEST)]
TimeText = Annotated[str, WithJsonSchema(TIME)]


class Shape(BaseModel):
    """An object with exactly these fields; its JSON schema is part of the OpenAPI document."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
