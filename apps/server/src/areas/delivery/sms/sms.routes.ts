import { Type } from 'typebox'
import { Empty, operation } from '../../../kernel/operation.ts'
import { FilledKey, Rows } from '../../../kernel/validation.ts'
import { smsErrors } from './sms.errors.ts'
import {
  SmsConfigurationChange,
  SmsConfigurationView,
  SmsTemplateChange,
  SmsTemplateView,
  type SmsTemplateView as View,
} from './sms.schemas.ts'
import * as sms from './sms.service.ts'
import * as templates from './sms-templates.service.ts'

const path = '/identity/resources/configurations/v1/sms'
const params = Type.Object({ type: FilledKey })

const configurationRoutes = [
  operation({
    id: 'getSmsConfigurationV1',
    method: 'GET',
    path,
    summary: 'Show who carries the text messages, with the token masked',
    tag: 'SMS Configuration',
    auth: 'vendor',
    returns: { 200: SmsConfigurationView },
    errors: [smsErrors.notConfigured],
    handler: (ctx) => sms.configuration(ctx),
  }),
  operation({
    id: 'setSmsConfigurationV1',
    method: 'POST',
    path,
    summary: 'Have a Twilio account carry the text messages',
    tag: 'SMS Configuration',
    auth: 'vendor',
    audit: 'smsConfiguration.updated',
    body: SmsConfigurationChange,
    returns: { 201: SmsConfigurationView },
    handler: (ctx, { body }) => sms.configure(ctx, body),
  }),
  operation({
    id: 'deleteSmsConfigurationV1',
    method: 'DELETE',
    path,
    summary: "Leave the text messages to the server's own provider",
    tag: 'SMS Configuration',
    auth: 'vendor',
    audit: 'smsConfiguration.deleted',
    returns: { 200: Empty },
    handler: (ctx) => sms.removeConfiguration(ctx),
  }),
]

const templateRoutes = [
  operation({
    id: 'listSmsTemplatesV1',
    method: 'GET',
    path: `${path}/templates`,
    summary: 'List the templates of text messages',
    tag: 'SMS Templates',
    auth: 'vendor',
    returns: { 200: Rows<View>() },
    handler: (ctx) => templates.list(ctx),
  }),
  operation({
    id: 'listDefaultSmsTemplatesV1',
    method: 'GET',
    path: `${path}/templates/default/all`,
    summary: 'List the default templates of text messages',
    tag: 'SMS Templates',
    auth: 'vendor',
    returns: { 200: Rows<View>() },
    handler: () => templates.listDefaults(),
  }),
  operation({
    id: 'getSmsTemplateV1',
    method: 'GET',
    path: `${path}/templates/{type}`,
    summary: 'Show a template of text messages',
    tag: 'SMS Templates',
    auth: 'vendor',
    params,
    returns: { 200: SmsTemplateView },
    errors: [smsErrors.templateNotFound],
    handler: (ctx, { params: { type } }) => templates.get(ctx, type),
  }),
  operation({
    id: 'setSmsTemplateV1',
    method: 'POST',
    path: `${path}/templates/{type}`,
    summary: 'Change a template of text messages',
    tag: 'SMS Templates',
    auth: 'vendor',
    audit: 'smsTemplate.updated',
    params,
    body: SmsTemplateChange,
    returns: { 201: SmsTemplateView },
    errors: [smsErrors.templateNotFound],
    handler: (ctx, { params: { type }, body }) => templates.change(ctx, type, body),
  }),
  operation({
    id: 'deleteSmsTemplateV1',
    method: 'DELETE',
    path: `${path}/templates/{type}`,
    summary: 'Give a template of text messages its default back',
    tag: 'SMS Templates',
    auth: 'vendor',
    audit: 'smsTemplate.deleted',
    params,
    returns: { 200: Empty },
    errors: [smsErrors.templateNotFound],
    handler: (ctx, { params: { type } }) => templates.remove(ctx, type),
  }),
  operation({
    id: 'getDefaultSmsTemplateV1',
    method: 'GET',
    path: `${path}/templates/{type}/default`,
    summary: 'Show the default of a template of text messages',
    tag: 'SMS Templates',
    auth: 'vendor',
    params,
    returns: { 200: SmsTemplateView },
    errors: [smsErrors.templateNotFound],
    handler: (_, { params: { type } }) => templates.getDefault(type),
  }),
]

export const smsRoutes = [...configurationRoutes, ...templateRoutes]
