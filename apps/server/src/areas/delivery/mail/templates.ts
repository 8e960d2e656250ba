import { oneLine } from '@henhouse/outbound'
import { fill } from '../../../kernel/outbox.ts'
import type { MailData, MailTemplateType } from './mail.schemas.ts'

/** May contain `{{placeholders}}` anywhere. */
export interface Template {
  subject: string
  html: string
  text: string
}

interface Content {
  subject: string
  paragraphs: string[]
  /** used instead where `{{issuerName}}` is known */
  issued?: string[]
  /** the label of the button for `{{redirectURL}}` */
  action?: string
  /** whether it contains `{{code}}` */
  code?: true
  /** whether it says where an action came from */
  origin?: true
  closing: string
}

const UNASKED = 'If you did not ask for this, you can ignore this e-mail: nothing changes without you.'
const ALARM = 'If this was not you, change your password and tell your administrator.'
const SECRET = 'Never pass the code on to anybody, no matter who asks for it.'

const contents: Record<MailTemplateType, Content> = {
  ActivateUser: {
    subject: 'Activate your account',
    paragraphs: ['An account has been made for {{email}}. Confirm that the address is yours to start using it.'],
    action: 'Activate account',
    closing: UNASKED,
  },
  ActivateUserWithCode: {
    subject: 'Activate your account',
    paragraphs: ['An account has been made for {{email}}. Enter this code to confirm that the address is yours:'],
    code: true,
    action: 'Enter the code',
    closing: `${SECRET} ${UNASKED}`,
  },
  ApprovalFlowApprove: {
    subject: 'Your approval is asked for',
    paragraphs: ['A request is waiting for your decision. Look at it, then approve or reject it.'],
    action: 'Review request',
    closing: 'You get this e-mail because you are an approver.',
  },
  BotDetection: {
    subject: 'An automated login was stopped',
    paragraphs: ['An attempt to log in to your account looked like the work of a program, so it was stopped.'],
    origin: true,
    closing: ALARM,
  },
  BruteForceProtection: {
    subject: 'Many failed logins',
    paragraphs: ['Somebody has tried to log in to your account with wrong passwords several times.'],
    origin: true,
    closing: ALARM,
  },
  BulkInvitesToTenant: {
    subject: 'You are invited to {{tenantName}}',
    paragraphs: ['You have been invited to join {{tenantName}}.'],
    issued: ['{{issuerName}} has invited you to join {{tenantName}}.'],
    action: 'Accept invitation',
    closing: UNASKED,
  },
  ConnectNewDevice: {
    subject: 'Login from a new device',
    paragraphs: ['Your account was used on a device that we have not seen before.'],
    origin: true,
    closing: ALARM,
  },
  EmailAddressChanged: {
    subject: 'Your e-mail address was changed',
    paragraphs: ['The e-mail address of your account has been changed.'],
    origin: true,
    closing: ALARM,
  },
  EmailVerification: {
    subject: 'Confirm your e-mail address',
    paragraphs: ['Please confirm that {{email}} is your address.'],
    code: true,
    action: 'Confirm address',
    closing: UNASKED,
  },
  ImpossibleTravel: {
    subject: 'Login from a distant place',
    paragraphs: ['Your account was used at two places too far from each other for the time between.'],
    origin: true,
    closing: ALARM,
  },
  InviteToTenant: {
    subject: 'You are invited to {{tenantName}}',
    paragraphs: ['You have been invited to join {{tenantName}}.'],
    issued: ['{{issuerName}} has invited you to join {{tenantName}}.'],
    action: 'Accept invitation',
    closing: UNASKED,
  },
  InviteToTenantWithCode: {
    subject: 'You are invited to {{tenantName}}',
    paragraphs: ['You have been invited to join {{tenantName}}. Enter this code to accept:'],
    issued: ['{{issuerName}} has invited you to join {{tenantName}}. Enter this code to accept:'],
    code: true,
    action: 'Enter the code',
    closing: `${SECRET} ${UNASKED}`,
  },
  MFAEnroll: {
    subject: 'Multi-factor authentication is on',
    paragraphs: ['From now on a second factor is asked for when you log in.'],
    origin: true,
    closing: ALARM,
  },
  MFAOTC: {
    subject: 'Your verification code',
    paragraphs: ['Enter this code to finish logging in:'],
    code: true,
    closing: `${SECRET} ${ALARM}`,
  },
  MFARecoveryCode: {
    subject: 'A recovery code was used',
    paragraphs: [
      'Multi-factor authentication of your account was switched off with a recovery code. Set it up again to stay protected.',
    ],
    origin: true,
    closing: ALARM,
  },
  MFAUnenroll: {
    subject: 'Multi-factor authentication is off',
    paragraphs: ['A second factor is no longer asked for when you log in.'],
    origin: true,
    closing: ALARM,
  },
  MagicLink: {
    subject: 'Your login link',
    paragraphs: ['Use this link to log in. It works once, and for a short time only.'],
    action: 'Log in',
    closing: UNASKED,
  },
  NewMFAMethod: {
    subject: 'A login factor was added',
    paragraphs: ['A new factor can now be used to log in to your account.'],
    origin: true,
    closing: ALARM,
  },
  OTC: {
    subject: 'Your login code',
    paragraphs: ['Enter this code to log in. It works once, and for a short time only.'],
    code: true,
    closing: `${SECRET} ${UNASKED}`,
  },
  PwnedPassword: {
    subject: 'Your password is known to others',
    paragraphs: [
      'The password of your account was found {{timesPwned}} times in data stolen from other sites. Choose a new one, here and wherever else you use it.',
    ],
    action: 'Choose a new password',
    closing: 'We only compare passwords with known leaks; this account has not been broken into.',
  },
  RemoveMFAMethod: {
    subject: 'A login factor was removed',
    paragraphs: ['One of the factors for logging in to your account has been removed.'],
    origin: true,
    closing: ALARM,
  },
  ResetPassword: {
    subject: 'Reset your password',
    paragraphs: ['Somebody, most likely you, asked for a new password for {{email}}. The link works once.'],
    action: 'Choose a new password',
    closing: UNASKED,
  },
  ResetPhoneNumber: {
    subject: 'Change your phone number',
    paragraphs: ['Enter this code to give your account another phone number:'],
    code: true,
    action: 'Change number',
    closing: `${SECRET} ${UNASKED}`,
  },
  SmsAuthenticationEnabled: {
    subject: 'Login by text message is on',
    paragraphs: ['Codes sent to your phone can now be used to log in to your account.'],
    origin: true,
    closing: ALARM,
  },
  SuspiciousIP: {
    subject: 'Login from a suspicious address',
    paragraphs: ['Somebody tried to log in to your account from a network address with a bad name.'],
    origin: true,
    closing: ALARM,
  },
  UnlockUser: {
    subject: 'Your account is locked',
    paragraphs: ['Your account was locked after too many failed logins. Use this link to unlock it.'],
    action: 'Unlock account',
    closing: ALARM,
  },
  UnlockUserSuccess: {
    subject: 'Your account is unlocked',
    paragraphs: ['Your account has been unlocked. You can log in again.'],
    closing: ALARM,
  },
  UserUsedInvitation: {
    subject: 'Your invitation was accepted',
    paragraphs: ['Somebody has used your invitation to join {{tenantName}}.'],
    issued: ['{{issuerName}} has used your invitation to join {{tenantName}}.'],
    closing: 'You get this e-mail because you sent the invitation.',
  },
  VerifyNewEmail: {
    subject: 'Confirm your new e-mail address',
    paragraphs: ['Enter this code to add {{email}} to your account:'],
    code: true,
    closing: `${SECRET} ${UNASKED}`,
  },
}

const origins = [
  ['Device', '{{device}}'],
  ['IP address', '{{ip}}'],
  ['Place', '{{location}}'],
] as const
const nameOf = (placeholder: string) => placeholder.slice(2, -2)

/**
 * The mail that an environment sends while it has none of its own. Given data, it leaves out the button, code and lines
 * that have no value there.
 */
export function defaultTemplate(type: MailTemplateType, data?: MailData): Template {
  const has = (placeholder: string) => !data || !!data[nameOf(placeholder)]
  const { action, code, origin, issued, ...content } = contents[type],
    paragraphs = (data?.['issuerName'] && issued) || content.paragraphs
  return layout({
    ...content,
    paragraphs: [has('{{name}}') ? 'Hello {{name}},' : 'Hello,', ...paragraphs],
    code: !!code && has('{{code}}'),
    action: action !== undefined && has('{{redirectURL}}') ? action : undefined,
    origin: origin ? origins.filter(([, value]) => has(value)) : [],
  })
}

interface Parts {
  subject: string
  paragraphs: string[]
  code: boolean
  action: string | undefined
  origin: (readonly [string, string])[]
  closing: string
}

function layout({ subject, paragraphs, code, action, origin, closing }: Parts): Template {
  const paragraph = (content: string, style = '') => `<p style="margin:0 0 16px;${style}">${content}</p>`
  const body = [
    ...paragraphs.map((text) => paragraph(text)),
    ...(code ? [paragraph('{{code}}', 'font:bold 32px/1.5 monospace;letter-spacing:6px')] : []),
    ...(action
      ? [
          paragraph(
            `<a href="{{redirectURL}}" style="display:inline-block;padding:12px 20px;border-radius:6px;background:#1d4ed8;color:#ffffff;text-decoration:none;font-weight:bold">${action}</a>`,
          ),
          paragraph(
            'Or open this address: <a href="{{redirectURL}}" style="color:#1d4ed8;word-break:break-all">{{redirectURL}}</a>',
            'font-size:14px',
          ),
        ]
      : []),
    ...(origin.length ? [paragraph(origin.map(([label, value]) => `${label}: ${value}`).join('<br>'))] : []),
    paragraph(closing, 'color:#4b5563;font-size:14px'),
  ]
  return {
    subject,
    html: `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${subject}</title></head>
<body style="margin:0;padding:24px;background:#f3f4f6;color:#111827;font:16px/1.5 sans-serif">
<main style="max-width:560px;margin:0 auto;padding:32px;background:#ffffff;border-radius:8px">
<h1 style="margin:0 0 16px;font-size:22px">${subject}</h1>
${body.join('\n')}
</main>
</body>
</html>
`,
    text:
      [
        ...paragraphs,
        ...(code ? ['{{code}}'] : []),
        ...(action ? [`${action}:\n{{redirectURL}}`] : []),
        ...(origin.length ? [origin.map(([label, value]) => `${label}: ${value}`).join('\n')] : []),
        closing,
      ].join('\n\n') + '\n',
  }
}

/**
 * The template with its placeholders replaced: escaped in HTML, as they are in text and subject. One without a value
 * becomes empty.
 */
export function filled({ subject, html, text }: Template, data: MailData): Template {
  const shown = Object.fromEntries(
    Object.entries(data).map(([name, value]) => [name, value && WORDS.has(name) ? unlinked(oneLine(value)) : value]),
  )
  return { subject: fill(subject, data, oneLine), html: fill(html, shown, escaped), text: fill(text, shown) }
}

/** What somebody else may have written: a stranger's words must not become lines or links of our mails. */
const WORDS = new Set(['name', 'tenantName', 'issuerName', 'device', 'location'])
/** Mail programs make links of addresses they find; a zero-width non-joiner (U+200C) after each dot and colon keeps them from it. */
const unlinked = (text: string) => text.replace(/([.:@\u3002\uff0e])(?=\S)/g, '$1\u200c')

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
const escaped = (text: string) => text.replace(/[&<>"']/g, (character) => ENTITIES[character]!)
