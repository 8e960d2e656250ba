import { invalid } from '../../../kernel/errors.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import * as settings from '../../../kernel/settings.ts'
import { compile, TemplateFault, type Compiled } from '../templates/language.ts'
import { smsErrors } from './sms.errors.ts'
import {
  smsTemplates,
  smsTemplateTypes,
  type SmsData,
  type SmsTemplateChange,
  type SmsTemplateType,
  type SmsTemplateView,
} from './sms.schemas.ts'

/** Short enough for one part, whose 160 characters are of the alphabet of GSM 03.38. */
const defaults: Readonly<Record<SmsTemplateType, string>> = {
  MultiFactorAuthentication: '{{code}} is your code for the second step of your login. Never pass it on.',
  SignIn: '{{code}} is your code to log in. Never pass it on.',
  PhoneVerification: '{{code}} is your code to confirm your phone number. Never pass it on.',
  ResetPassword: '{{code}} is your code to set a new password. Never pass it on.',
}

/** @param name its name or number @throws 404 */
function typeNamed(name: string): SmsTemplateType {
  const found = smsTemplateTypes.find((type, number) => type === name || String(number) === name)
  if (!found) throw smsErrors.templateNotFound()
  return found
}

async function view(ctx: Ctx, type: SmsTemplateType): Promise<SmsTemplateView> {
  const own = (await settings.effective(ctx, smsTemplates))[type]
  return { type, template: own?.template ?? defaults[type], active: own?.active ?? true }
}
const original = (type: SmsTemplateType): SmsTemplateView => ({ type, template: defaults[type], active: true })

export const list = (ctx: Ctx) => Promise.all(smsTemplateTypes.map((type) => view(ctx, type)))
export const get = (ctx: Ctx, name: string) => view(ctx, typeNamed(name))
export const listDefaults = async () => smsTemplateTypes.map(original)
export const getDefault = async (name: string) => original(typeNamed(name))

/** @throws 400 for a template that does not parse, or does not say the code; 404 */
export async function change(ctx: Ctx, name: string, { template, active }: SmsTemplateChange) {
  const type = typeNamed(name)
  if (template !== undefined) mustSayCode(template)
  const old = (await settings.effective(ctx, smsTemplates))[type]
  const next = { template: template ?? old?.template ?? null, active: active ?? old?.active ?? true }
  await settings.patch(ctx, smsTemplates, { [type]: next })
  return view(ctx, type)
}

function mustSayCode(template: string) {
  const code = '\ue00b'
  if (!filled(template, { code }).includes(code)) throw invalid('template must contain {{code}}')
}

/** @throws 404 when nobody has changed it */
export async function remove(ctx: Ctx, name: string) {
  const type = typeNamed(name)
  if (!(await settings.effective(ctx, smsTemplates))[type]) throw smsErrors.templateNotFound()
  await settings.patch(ctx, smsTemplates, { [type]: null })
}

const parsed = new Map<string, Compiled>()
const MOST_PARSED = 1000

/** @throws 400 for a template that does not parse */
function filled(template: string, data: SmsData) {
  let found = parsed.get(template)
  try {
    found ??= compile(template, 'text')
  } catch (error) {
    throw error instanceof TemplateFault ? invalid(`template: ${error.message}`) : error
  }
  if (parsed.size >= MOST_PARSED) parsed.clear()
  parsed.set(template, found)
  return found(data)
}

/** The text of a message; undefined while the environment has switched the template off. */
export async function textOf(ctx: Ctx, type: SmsTemplateType, data: SmsData) {
  const { template, active } = await view(ctx, type)
  return active ? filled(template, data) : undefined
}
