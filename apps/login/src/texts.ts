import type { Reply } from './visit.ts'

export type Language = 'en' | 'de'
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- any parameters
type Text = string | ((...values: any[]) => string)
/** The same keys, and functions of the same parameters. */
type As<T> = { readonly [K in keyof T]: T[K] extends string ? string : T[K] }

/** Texts in each language. A key that one of them lacks fails the type check. */
export const translated = <T extends Record<string, Text>>(
  en: T,
  de: NoInfer<As<T>>,
): Readonly<Record<Language, As<T>>> => ({
  en: en as As<T>,
  de,
})

/** The language that the browser likes best, of those that we have. */
export function languageOf(acceptLanguage: string): Language {
  const liked = acceptLanguage
    .slice(0, 200)
    .split(',')
    .map((part) => {
      const [tag = '', quality] = part
        .trim()
        .toLowerCase()
        .split(/\s*;\s*q=/)
      return { language: tag.split('-')[0], quality: quality === undefined ? 1 : Number(quality) || 0 }
    })
    .filter(({ language, quality }) => quality > 0 && (language === 'en' || language === 'de'))
  return (liked.sort((a, b) => b.quality - a.quality)[0]?.language as Language | undefined) ?? 'en'
}

/** What several screens say. */
export const common = translated(
  {
    email: 'Email address',
    username: 'Username or email address',
    password: 'Password',
    newPassword: 'New password',
    show: 'Show',
    hide: 'Hide',
    showPassword: 'Show password',
    hidePassword: 'Hide password',
    next: 'Continue',
    logIn: 'Log in',
    backToLogin: 'Back to login',
    error: 'Error',
    problem: 'There is a problem',
    enterEmail: 'Enter your email address',
    enterUsername: 'Enter your username or email address',
    enterPassword: 'Enter your password',
    enterCode: 'Enter the code',
    code: 'Code',
    badEmail: 'Enter an email address like name@example.com',
    wrongCode: 'The code is wrong. Check it, and enter it again',
    codeExpired: 'The code has expired. Ask for another one',
    notSent: 'We could not send the message. Try again later',
    strategyOff: 'This way to log in is switched off',
    refused: 'We could not do that. Check what you entered, and try again',
    captcha: 'Logging in here needs a check that this page cannot show. Log in through your application',
    soon: (minutes: number) =>
      `You have tried too often. Wait ${minutes === 1 ? 'a minute' : `${minutes} minutes`}, and try again`,
  },
  {
    email: 'E-Mail-Adresse',
    username: 'Benutzername oder E-Mail-Adresse',
    password: 'Passwort',
    newPassword: 'Neues Passwort',
    show: 'Zeigen',
    hide: 'Verbergen',
    showPassword: 'Passwort zeigen',
    hidePassword: 'Passwort verbergen',
    next: 'Weiter',
    logIn: 'Anmelden',
    backToLogin: 'Zurück zur Anmeldung',
    error: 'Fehler',
    problem: 'Es gibt ein Problem',
    enterEmail: 'Geben Sie Ihre E-Mail-Adresse ein',
    enterUsername: 'Geben Sie Ihren Benutzernamen oder Ihre E-Mail-Adresse ein',
    enterPassword: 'Geben Sie Ihr Passwort ein',
    enterCode: 'Geben Sie den Code ein',
    code: 'Code',
    badEmail: 'Geben Sie eine E-Mail-Adresse wie name@example.com ein',
    wrongCode: 'Der Code ist falsch. Prüfen Sie ihn und geben Sie ihn noch einmal ein',
    codeExpired: 'Der Code ist abgelaufen. Fordern Sie einen neuen an',
    notSent: 'Die Nachricht konnte nicht gesendet werden. Versuchen Sie es später noch einmal',
    strategyOff: 'Diese Art der Anmeldung ist abgeschaltet',
    refused: 'Das ging nicht. Prüfen Sie Ihre Angaben und versuchen Sie es noch einmal',
    captcha:
      'Diese Anmeldung verlangt eine Prüfung, die diese Seite nicht zeigen kann. Melden Sie sich in Ihrer Anwendung an',
    soon: (minutes: number) =>
      `Sie haben es zu oft versucht. Warten Sie ${minutes === 1 ? 'eine Minute' : `${minutes} Minuten`} und versuchen Sie es noch einmal`,
  },
)

/** What a refusal says where a screen has no better words. The API's own words are English, and written for programs. */
export function refusalText(language: Language, { status, body, retryAfterSeconds }: Reply): string {
  const t = common[language]
  if (status === 429) return t.soon(Math.max(1, Math.ceil((retryAfterSeconds ?? 60) / 60)))
  const known = { 'ER-01011': t.wrongCode, 'ER-01017': t.codeExpired, 'ER-01012': t.strategyOff, 'ER-01037': t.notSent }
  if (body.errorCode !== undefined && Object.hasOwn(known, body.errorCode))
    return known[body.errorCode as keyof typeof known]
  const [said = ''] = body.errors ?? []
  if (/captcha/i.test(said)) return t.captcha
  if (/^email must be/i.test(said)) return t.badEmail
  return t.refused
}
