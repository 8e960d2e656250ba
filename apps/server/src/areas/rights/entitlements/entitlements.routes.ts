import { Type } from 'typebox'
import { operation } from '../../../kernel/operation.ts'

const tag = 'Entitlements'

const Features = Type.Object({}, { additionalProperties: true })
const Permissions = Type.Record(Type.String(), Type.Boolean())

/** There are no plans and no features yet, so the snapshot that servers keep never changes. */
const SNAPSHOT = 0
const empty = Type.Array(Type.Object({}))

export const entitlementsRoutes = [
  operation({
    id: 'getUserEntitlementsV2',
    method: 'GET',
    path: '/entitlements/api/v2/user-entitlements',
    summary: 'Read what the caller is entitled to: the permissions that they have at this moment',
    tag,
    auth: 'user',
    returns: { 200: Type.Object({ features: Features, plans: Features, permissions: Permissions }) },
    handler: ({ caller }) => ({
      features: {},
      plans: {},
      permissions: Object.fromEntries(caller.permissions.map((key) => [key, true])),
    }),
  }),
  operation({
    id: 'getEntitlementsSnapshotOffsetV1',
    method: 'GET',
    path: '/entitlements/api/v1/vendor-entitlements-snapshot-offset',
    summary: 'Read the number of the current snapshot of plans and features',
    tag,
    auth: 'vendor',
    returns: { 200: Type.Object({ snapshotOffset: Type.Integer() }) },
    handler: () => ({ snapshotOffset: SNAPSHOT }),
  }),
  operation({
    id: 'getEntitlementsSnapshotV1',
    method: 'GET',
    path: '/entitlements/api/v1/vendor-entitlements',
    summary: 'Read the current snapshot of plans and features',
    tag,
    auth: 'vendor',
    returns: {
      200: Type.Object({
        data: Type.Object({ features: empty, featureBundles: empty, entitlements: empty, featureFlags: empty }),
        snapshotOffset: Type.Integer(),
      }),
    },
    handler: () => ({
      data: { features: [], featureBundles: [], entitlements: [], featureFlags: [] },
      snapshotOffset: SNAPSHOT,
    }),
  }),
]
