// Operations on the secrets of model providers: a part of the table in operations.ts. HTTP only, and for the owner of the state folder alone: no device and no
// holder of the gateway's token gives or takes one. No answer holds a secret.
import { z } from "zod";
import { ProfileIdText, ProfileStatus, StoredSecret } from "../models/stored-secret.ts";
import type { Operation } from "./operation.ts";

const ORDER_LENGTH_MAX = 64;
const Orders = z.record(z.string(), z.array(z.string()));

export const CREDENTIAL_OPERATIONS = {
  listCredentials: {
    method: "get",
    path: "/v1/models/auth",
    summary:
      "Sign-ins to model providers and how each stands, without a secret; and the order that a person chose. For the owner of the state folder",
    scope: "operator.read",
    answer: z.object({ items: z.array(ProfileStatus), orders: Orders }),
  },
  putCredential: {
    method: "put",
    path: "/v1/models/auth/{profile}",
    summary: "Keeps the secret of a profile, in place of the one that is there. For the owner of the state folder",
    scope: "operator.admin",
    body: z.strictObject({ secret: StoredSecret }),
    answer: ProfileStatus,
  },
  removeCredential: {
    method: "delete",
    path: "/v1/models/auth/{profile}",
    summary: "Forgets the secret of a profile. For the owner of the state folder",
    scope: "operator.admin",
    answer: z.object({ removed: z.string() }),
  },
  setCredentialOrder: {
    method: "put",
    path: "/v1/models/auth-order/{provider}",
    summary: "In which order the profiles of a provider are tried; an empty one: as the config says. For the owner of the state folder",
    scope: "operator.admin",
    body: z.strictObject({ order: z.array(ProfileIdText).max(ORDER_LENGTH_MAX) }),
    answer: z.object({ provider: z.string(), order: z.array(z.string()) }),
  },
} as const satisfies Record<string, Operation>;
