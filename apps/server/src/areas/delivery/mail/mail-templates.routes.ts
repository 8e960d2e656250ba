import { Type } from 'typebox'
import { Empty, operation } from '../../../kernel/operation.ts'
import { FilledKey } from '../../../kernel/validation.ts'
import { mailErrors } from './mail.errors.ts'
import { MailTemplateType } from './mail.schemas.ts'
import { MailTemplateChange, MailTemplateView } from './mail-templates.schemas.ts'
import * as templates from './mail-templates.service.ts'

const tag = 'Email Templates',
  path = '/identity/resources/mail/v1/configs'

export const mailTemplatesRoutes = [
  operation({
    id: 'listMailTemplatesV1',
    method: 'GET',
    path: `${path}/templates`,
    summary: 'List the mail templates, those that nobody has changed among them',
    tag,
    auth: 'vendor',
    query: Type.Object({ type: Type.Optional(MailTemplateType) }),
    returns: { 200: Type.Array(MailTemplateView) },
    handler: (ctx, { query }) => templates.list(ctx, query.type),
  }),
  operation({
    id: 'setMailTemplateV1',
    method: 'POST',
    path: `${path}/templates`,
    summary: 'Change a mail template',
    tag,
    auth: 'vendor',
    audit: 'mailTemplate.updated',
    body: MailTemplateChange,
    returns: { 201: Empty },
    handler: (ctx, { body }) => templates.change(ctx, body),
  }),
  operation({
    id: 'deleteMailTemplateV1',
    method: 'DELETE',
    path: `${path}/templates/{templateId}`,
    summary: 'Give a mail template its default back',
    tag,
    auth: 'vendor',
    audit: 'mailTemplate.deleted',
    params: Type.Object({ templateId: FilledKey }),
    returns: { 200: Empty },
    errors: [mailErrors.templateNotFound],
    handler: (ctx, { params }) => templates.remove(ctx, params.templateId),
  }),
  operation({
    id: 'getDefaultMailTemplateV1',
    method: 'GET',
    path: `${path}/{type}/default`,
    summary: 'Show the default of a mail template',
    tag,
    auth: 'vendor',
    params: Type.Object({ type: MailTemplateType }),
    returns: { 200: MailTemplateView },
    handler: (ctx, { params }) => templates.original(ctx, params.type),
  }),
]
