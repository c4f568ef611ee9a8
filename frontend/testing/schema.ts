// The schema that tests check documents against: what the server prints.
import { buildSchema } from "graphql";

import printed from "../../schema.graphql?raw";

export const schema = buildSchema(printed);
