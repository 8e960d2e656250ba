import { framed } from './frame.ts'
import type { MailType } from './mail.schemas.ts'

/** A mail in the language of templates. */
export interface MailTemplate {
  subject: string
  html: string
  text: string
}

export interface Content {
  subject: string
  paragraphs: string[]
  /** used instead where `{{issuerName}}` is known */
  issued?: string[]
  /** the label of the button for `{{redirectURL}}` */
  action?: string
  /** whether it contains `{{code}}` */
  code?: true
  /** what of it works once, and until when */
  once?: 'code' | 'link'
  /** whether it says where an action came from */
  origin?: true
  closing?: string
  /** why one gets it */
  why: string
}

const ASKED = 'You get this e-mail because somebody asked for it with your address.',
  OWN =
    'You get this e-mail because your address belongs to an account{{#if applicationName}} at {{applicationName}}{{/if}}.',
  INVITED = 'You get this e-mail because somebody has invited your address.',
  ENTERED = 'You get this e-mail because somebody has entered your address.'
const UNASKED = 'If you did not ask for this, you can ignore this e-mail: nothing changes without you.'
const ALARM = 'If this was not you, change your password and tell your administrator.'
const AFTER_DECISION =
  '{{#if isOver}}{{#if isApproved}}Nobody else has to approve it.{{else}}Nobody else is asked about it.{{/if}}{{else}}It still needs the approval of others.{{/if}}'
const SECRET = 'Never pass the code on to anybody, no matter who asks for it.'

const contents: Readonly<Record<MailType, Content>> = {
  ActivateUser: {
    subject: 'Activate your account',
    paragraphs: ['An account has been made for {{email}}. Confirm that the address is yours to start using it.'],
    action: 'Activate account',
    once: 'link',
    closing: UNASKED,
    why: ENTERED,
  },
  ActivateUserWithCode: {
    subject: 'Activate your account',
    paragraphs: ['An account has been made for {{email}}. Enter this code to confirm that the address is yours:'],
    code: true,
    action: 'Enter the code',
    once: 'code',
    closing: `${SECRET} ${UNASKED}`,
    why: ENTERED,
  },
  ApprovalFlowApprove: {
    subject: 'Your approval is asked for',
    paragraphs: ['A request is waiting for your decision. Look at it, then approve or reject it.'],
    issued: ['{{issuerName}} asks for your approval. Look at the request, then approve or reject it.'],
    action: 'Review request',
    why: 'You get this e-mail because you are an approver.',
  },
  ApprovalFlowDecision: {
    subject: 'An approver has {{#if isApproved}}approved{{else}}rejected{{/if}} your request',
    paragraphs: [
      'An approver has {{#if isApproved}}approved{{else}}rejected{{/if}} your request “{{approvalFlowName}}”.',
      AFTER_DECISION,
    ],
    issued: [
      '{{issuerName}} has {{#if isApproved}}approved{{else}}rejected{{/if}} your request “{{approvalFlowName}}”.',
      AFTER_DECISION,
    ],
    why: 'You get this e-mail because you asked for approval.',
  },
  BotDetection: {
    subject: 'An automated login was stopped',
    paragraphs: ['An attempt to log in to your account looked like the work of a program, so it was stopped.'],
    origin: true,
    closing: ALARM,
    why: OWN,
  },
  BruteForceProtection: {
    subject: 'Many failed logins',
    paragraphs: ['Somebody has tried to log in to your account with wrong passwords several times.'],
    origin: true,
    closing: ALARM,
    why: OWN,
  },
  BulkInvitesToTenant: {
    subject: 'You are invited to {{tenantName}}',
    paragraphs: ['You have been invited to join {{tenantName}}.'],
    issued: ['{{issuerName}} has invited you to join {{tenantName}}.'],
    action: 'Accept invitation',
    once: 'link',
    closing: UNASKED,
    why: INVITED,
  },
  ConnectNewDevice: {
    subject: 'Login from a new device',
    paragraphs: ['Your account was used on a device that we have not seen before.'],
    origin: true,
    closing: ALARM,
    why: OWN,
  },
  EmailAddressChanged: {
    subject: 'Your e-mail address was changed',
    paragraphs: ['The e-mail address of your account has been changed.'],
    origin: true,
    closing: ALARM,
    why: OWN,
  },
  EmailVerification: {
    subject: 'Confirm your e-mail address',
    paragraphs: ['Please confirm that {{email}} is your address.'],
    code: true,
    action: 'Confirm address',
    once: 'code',
    closing: UNASKED,
    why: ENTERED,
  },
  ImpossibleTravel: {
    subject: 'Login from a distant place',
    paragraphs: ['Your account was used at two places too far from each other for the time between.'],
    origin: true,
    closing: ALARM,
    why: OWN,
  },
  InviteToTenant: {
    subject: 'You are invited to {{tenantName}}',
    paragraphs: ['You have been invited to join {{tenantName}}.'],
    issued: ['{{issuerName}} has invited you to join {{tenantName}}.'],
    action: 'Accept invitation',
    once: 'link',
    closing: UNASKED,
    why: INVITED,
  },
  InviteToTenantWithCode: {
    subject: 'You are invited to {{tenantName}}',
    paragraphs: ['You have been invited to join {{tenantName}}. Enter this code to accept:'],
    issued: ['{{issuerName}} has invited you to join {{tenantName}}. Enter this code to accept:'],
    code: true,
    action: 'Enter the code',
    once: 'code',
    closing: `${SECRET} ${UNASKED}`,
    why: INVITED,
  },
  MFAEnroll: {
    subject: 'Multi-factor authentication is on',
    paragraphs: ['From now on a second factor is asked for when you log in.'],
    origin: true,
    closing: ALARM,
    why: OWN,
  },
  MFAOTC: {
    subject: 'Your verification code',
    paragraphs: ['Enter this code to finish logging in:'],
    code: true,
    once: 'code',
    closing: `${SECRET} ${ALARM}`,
    why: OWN,
  },
  MFARecoveryCode: {
    subject: 'A recovery code was used',
    paragraphs: [
      'Multi-factor authentication of your account was switched off with a recovery code. Set it up again to stay protected.',
    ],
    origin: true,
    closing: ALARM,
    why: OWN,
  },
  MFAUnenroll: {
    subject: 'Multi-factor authentication is off',
    paragraphs: ['A second factor is no longer asked for when you log in.'],
    origin: true,
    closing: ALARM,
    why: OWN,
  },
  MagicLink: {
    subject: 'Your login link',
    paragraphs: ['Use this link to log in.'],
    action: 'Log in',
    once: 'link',
    closing: UNASKED,
    why: ASKED,
  },
  NewMFAMethod: {
    subject: 'A login factor was added',
    paragraphs: ['A new factor can now be used to log in to your account.'],
    origin: true,
    closing: ALARM,
    why: OWN,
  },
  OTC: {
    subject: 'Your login code',
    paragraphs: ['Enter this code to log in:'],
    code: true,
    once: 'code',
    closing: `${SECRET} ${UNASKED}`,
    why: ASKED,
  },
  PwnedPassword: {
    subject: 'Your password is known to others',
    paragraphs: [
      'The password of your account was found {{timesPwned}} times in data stolen from other sites. Choose a new one, here and wherever else you use it.',
    ],
    action: 'Choose a new password',
    once: 'link',
    closing: 'We only compare passwords with known leaks; this account has not been broken into.',
    why: OWN,
  },
  RemoveMFAMethod: {
    subject: 'A login factor was removed',
    paragraphs: ['One of the factors for logging in to your account has been removed.'],
    origin: true,
    closing: ALARM,
    why: OWN,
  },
  ResetPassword: {
    subject: 'Reset your password',
    paragraphs: ['Somebody, most likely you, asked for a new password for {{email}}.'],
    action: 'Choose a new password',
    once: 'link',
    closing: UNASKED,
    why: ASKED,
  },
  ResetPhoneNumber: {
    subject: 'Change your phone number',
    paragraphs: ['Enter this code to give your account another phone number:'],
    code: true,
    action: 'Change number',
    once: 'code',
    closing: `${SECRET} ${UNASKED}`,
    why: ASKED,
  },
  SmsAuthenticationEnabled: {
    subject: 'Login by text message is on',
    paragraphs: ['Codes sent to your phone can now be used to log in to your account.'],
    origin: true,
    closing: ALARM,
    why: OWN,
  },
  SuspiciousIP: {
    subject: 'Login from a suspicious address',
    paragraphs: ['Somebody tried to log in to your account from a network address with a bad name.'],
    origin: true,
    closing: ALARM,
    why: OWN,
  },
  UnlockUser: {
    subject: 'Your account is locked',
    paragraphs: ['Your account was locked after too many failed logins. Use this link to unlock it.'],
    action: 'Unlock account',
    once: 'link',
    closing: ALARM,
    why: OWN,
  },
  UnlockUserSuccess: {
    subject: 'Your account is unlocked',
    paragraphs: ['Your account has been unlocked. You can log in again.'],
    closing: ALARM,
    why: OWN,
  },
  UserUsedInvitation: {
    subject: 'Your invitation was accepted',
    paragraphs: ['Somebody has used your invitation to join {{tenantName}}.'],
    issued: ['{{issuerName}} has used your invitation to join {{tenantName}}.'],
    why: 'You get this e-mail because you sent the invitation.',
  },
  VerifyNewEmail: {
    subject: 'Confirm your new e-mail address',
    paragraphs: ['Enter this code to add {{email}} to your account:'],
    code: true,
    once: 'code',
    closing: `${SECRET} ${UNASKED}`,
    why: ENTERED,
  },
}

const made = new Map<MailType, MailTemplate>()
/** The mail that an environment sends while it has none of its own. */
export function defaultMail(type: MailType): MailTemplate {
  let found = made.get(type)
  if (!found) made.set(type, (found = framed(contents[type])))
  return found
}
