import { Type } from 'typebox'
import { Id } from '../../kernel/validation.ts'

/** `<team>.<bundle>`, as Apple wants it */
const AppId = Type.String({
  maxLength: 255,
  examples: ['ABCDE12345.com.example.app'],
  pattern: '^[A-Z0-9]{10}\\.[A-Za-z0-9.-]+$',
})
const PackageName = Type.String({
  maxLength: 255,
  examples: ['com.example.app'],
  pattern: '^[A-Za-z][A-Za-z0-9_]*(\\.[A-Za-z][A-Za-z0-9_]*)+$',
})
/** SHA-256, in pairs of digits with colons between them, as Android's tools print it */
const Fingerprint = Type.String({
  maxLength: 95,
  examples: [`00${':00'.repeat(31)}`],
  pattern: '^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){31}$',
})
const Fingerprints = Type.Array(Fingerprint, { minItems: 1, maxItems: 20 })

export const NewIosApp = Type.Object({ appId: AppId })
export const NewAndroidApp = Type.Object({ packageName: PackageName, sha256CertFingerprints: Fingerprints })

export const IosApp = Type.Object({ id: Id, appId: Type.String() })
export const AndroidApp = Type.Object({
  id: Id,
  packageName: Type.String(),
  sha256CertFingerprints: Type.Array(Type.String()),
})

const Names = Type.Array(Type.String())
/** Digital Asset Links: which Android apps open links of this host, and use what users log in with here. */
export const AssetLinks = Type.Array(
  Type.Object({
    relation: Names,
    target: Type.Object({ namespace: Type.String(), package_name: Type.String(), sha256_cert_fingerprints: Names }),
  }),
)
/** The same for Apple's apps: Supporting Associated Domains. */
export const AppleAssociation = Type.Object({
  applinks: Type.Object({
    details: Type.Array(Type.Object({ appIDs: Names, components: Type.Array(Type.Object({ '/': Type.String() })) })),
  }),
  webcredentials: Type.Object({ apps: Names }),
})
