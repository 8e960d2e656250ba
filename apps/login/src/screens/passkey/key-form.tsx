import type { ComponentChildren } from 'preact'
import { Button, Form, type Faults } from '../../form.tsx'
import type { Visit } from '../../visit.ts'
import { texts } from './passkey.texts.ts'

interface KeyFormProps {
  readonly visit: Visit
  readonly to: string
  readonly hidden?: Readonly<Record<string, string>>
  readonly faults?: Faults
  /** what the browser is to have signed, as the API says it */
  readonly options: object
  /** what the button says that the form does */
  readonly does?: string
  /** instead of those for a passkey that there is */
  readonly words?: { readonly text: string; readonly use: string; readonly failed: string }
  readonly children?: ComponentChildren
}

/** A form that a passkey or security key fills in. Only here the script is needed: browsers have no other way to ask for one. */
export function KeyForm({ visit, to, hidden = {}, faults = {}, options, does, words, children }: KeyFormProps) {
  const t = { ...texts[visit.language], ...words }
  return (
    <div class="key" data-options={JSON.stringify(options)}>
      <Form visit={visit} to={to} hidden={{ ...hidden, assertion: '' }} faults={faults}>
        <p>{t.text}</p>
        <noscript>
          <p class="fault">{t.needsScript}</p>
        </noscript>
        <p class="fault" role="alert" hidden>
          {t.failed}
        </p>
        {children}
        <Button {...(does !== undefined && { does })}>{t.use}</Button>
      </Form>
    </div>
  )
}

/** What the authenticator has signed; nothing that is no JSON. */
export function assertionIn(visit: Visit): object | undefined {
  try {
    const value: unknown = JSON.parse(visit.field('assertion'))
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}
