import { Type, type Static } from 'typebox'
import { setting, type Stored } from '../../../kernel/settings.ts'
import { DateTime, FilledKey, Nullable, OneOf } from '../../../kernel/validation.ts'

export const MailTemplateType = OneOf([
  'ResetPassword',
  'ActivateUser',
  'InviteToTenant',
  'PwnedPassword',
  'MagicLink',
  'OTC',
  'ConnectNewDevice',
  'UserUsedInvitation',
  'ResetPhoneNumber',
  'BulkInvitesToTenant',
  'MFAEnroll',
  'MFAUnenroll',
  'NewMFAMethod',
  'MFARecoveryCode',
  'RemoveMFAMethod',
  'EmailVerification',
  'BruteForceProtection',
  'SuspiciousIP',
  'MFAOTC',
  'ImpossibleTravel',
  'BotDetection',
  'SmsAuthenticationEnabled',
  'UnlockUser',
  'UnlockUserSuccess',
  'ActivateUserWithCode',
  'InviteToTenantWithCode',
  'VerifyNewEmail',
  'EmailAddressChanged',
  'ApprovalFlowApprove',
])
export type MailTemplateType = Static<typeof MailTemplateType>

/** Also the mails that are only ours: the API has no type for them, so environments cannot change them. */
export type MailType = MailTemplateType | 'ApprovalFlowDecision'

/** Values of a template's `{{placeholders}}`. */
export interface MailData {
  readonly redirectURL?: string | undefined
  readonly code?: string | undefined
  readonly [name: string]: unknown
}

/** A key or ARN, never a masked one that was read back. */
export const secretAt = (path: string) =>
  Type.String({
    minLength: 1,
    maxLength: 8192,
    pattern: '^\\s*(?!\\*{4})[!-~]+\\s*$',
    message: `${path} must be the whole secret, in visible ASCII characters`,
  })
const inPayload = {
  secret: secretAt('payload.secret'),
  // not in the reference, whose senders are part of its templates
  senderEmail: Type.Optional(Type.String({ format: 'email', maxLength: 512 })),
  fromName: Type.Optional(Type.String({ maxLength: 512 })),
}

export const MailPayload = Type.Union(
  [
    Type.Object({ provider: Type.Literal('sendgrid'), ...inPayload }),
    Type.Object({ provider: Type.Literal('ses'), ...inPayload, id: FilledKey, region: FilledKey }),
    Type.Object({
      provider: Type.Literal('mailgun'),
      ...inPayload,
      domain: FilledKey,
      region: Type.Optional(OneOf(['us', 'eu'])),
    }),
    // the secret is the role's ARN
    Type.Object({ provider: Type.Literal('ses-role'), ...inPayload, region: FilledKey }),
  ],
  { discriminator: { propertyName: 'provider' } },
)
export type MailPayload = Static<typeof MailPayload>

export const SendgridSecret = Type.Object({ secret: secretAt('secret') })

/** An environment's mail provider; the secret is sealed. */
export const mailConfiguration = setting('mail-configuration', Type.Object({ payload: Nullable(MailPayload) }), {
  payload: null,
})

export const MailConfiguration = Type.Object({
  provider: OneOf(['sendgrid', 'mailgun', 'ses', 'ses-role']),
  secret: Type.String(),
  extension: Type.Array(Type.Object({ extensionName: Type.String(), extensionValue: Type.String() })),
  createdAt: DateTime,
  updatedAt: DateTime,
})

/** @param payload with its secret in clear; it is masked here */
export function toMailConfiguration(
  { provider, secret, ...others }: MailPayload,
  { createdAt, updatedAt }: Pick<Stored<unknown>, 'createdAt' | 'updatedAt'>,
): Static<typeof MailConfiguration> {
  return {
    provider,
    secret: maskedSecret(secret),
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
    extension: Object.entries(others).map(([extensionName, extensionValue]) => ({ extensionName, extensionValue })),
  }
}

/** Shows enough of a long secret to recognize it, and nothing of a short one. */
export const maskedSecret = (secret: string) => `********${secret.length < 16 ? '' : secret.slice(-4)}`
