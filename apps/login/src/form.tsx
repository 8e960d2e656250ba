import type { ComponentChildren } from 'preact'
import { Problem } from './layout.tsx'
import { common } from './texts.ts'
import { carried, type Visit } from './visit.ts'

/** What is wrong with a form, by the name of the field; under an empty name what is about no field. */
export type Faults = Readonly<Record<string, string>>

/** What a page with a form says of it. @param status of what was refused */
export function outcomeOf(faults: Faults, status: number) {
  const isFaulty = Object.keys(faults).length > 0
  return { isFaulty, status: isFaulty ? status : 200 }
}

interface FormProps {
  readonly visit: Visit
  /** where it goes, below the base */
  readonly to: string
  readonly hidden?: Readonly<Record<string, string>>
  readonly faults?: Faults | undefined
  readonly children?: ComponentChildren
}

/** A form, with a list of its faults above it. Secrets travel in hidden fields of it, never in an address. */
export function Form({ visit, to, hidden = {}, faults = {}, children }: FormProps) {
  return (
    <>
      <FaultList visit={visit} faults={faults} />
      <form method="post" action={`${visit.base}${to}`} noValidate>
        {Object.entries({ ...carried(visit), ...hidden }).map(([name, value]) => (
          <input type="hidden" name={name} value={value} key={name} />
        ))}
        {children}
      </form>
    </>
  )
}

function FaultList({ visit, faults }: { visit: Visit; faults: Faults }) {
  const entries = Object.entries(faults)
  return entries.length ? (
    <Problem language={visit.language}>
      <ul>
        {entries.map(([name, text]) => (
          <li key={name}>{name ? <a href={`#${name}`}>{text}</a> : text}</li>
        ))}
      </ul>
    </Problem>
  ) : null
}

interface FieldProps {
  readonly type: 'text' | 'password' | 'tel'
  readonly autocomplete: string
  readonly value?: string
  readonly inputMode?: 'email' | 'numeric'
  readonly autocapitalize?: 'none'
  readonly spellcheck?: false
  readonly maxLength: number
  readonly required?: true
  readonly class?: string
  readonly name: string
  readonly label: string
  readonly hint?: ComponentChildren
  readonly faults?: Faults | undefined
}

/** A field with its label, its hint and its fault. */
export function Field({ name, label, hint, faults = {}, type, ...input }: FieldProps) {
  // the types of Preact have one case for each kind of input, and take no union
  const kind = type as 'text'
  const fault = faults[name],
    described = [hint && `${name}-hint`, fault && `${name}-fault`].filter(Boolean).join(' ')
  return (
    <div class={fault ? 'field faulty' : 'field'}>
      <label for={name}>{label}</label>
      {hint && (
        <div class="hint" id={`${name}-hint`}>
          {hint}
        </div>
      )}
      {fault && (
        <p class="fault" id={`${name}-fault`}>
          {fault}
        </p>
      )}
      <input
        id={name}
        name={name}
        type={kind}
        {...input}
        {...(described && { 'aria-describedby': described })}
        {...(fault && { 'aria-invalid': 'true' })}
      />
    </div>
  )
}

type Told = Pick<FieldProps, 'faults' | 'hint'>
type SpecialField = Told & { readonly visit: Visit }

/** An e-mail address or a username. Phones show the keyboard for addresses, and capitalise nothing. */
export function NameField({
  name = 'identifier',
  label,
  value,
  ...rest
}: Told & { name?: string; label: string; value: string }) {
  return (
    <Field
      {...rest}
      name={name}
      label={label}
      value={value}
      type="text"
      inputMode="email"
      autocomplete="username"
      autocapitalize="none"
      spellcheck={false}
      maxLength={320}
      required
    />
  )
}

/** A password is never sent back. The button that shows it appears with the script. */
export function PasswordField({ visit, isNew, ...rest }: SpecialField & { isNew?: boolean }) {
  const t = common[visit.language]
  return (
    <div
      class="secret"
      data-show={t.show}
      data-hide={t.hide}
      data-show-label={t.showPassword}
      data-hide-label={t.hidePassword}
    >
      <Field
        {...rest}
        name="password"
        label={isNew ? t.newPassword : t.password}
        type="password"
        autocomplete={isNew ? 'new-password' : 'current-password'}
        maxLength={4096}
        required
      />
    </div>
  )
}

/** One field for a whole code, so that it can be pasted, filled in by the phone, and read out. */
export function CodeField({ visit, faults, hint }: SpecialField) {
  return (
    <Field
      name="code"
      label={common[visit.language].code}
      hint={hint}
      faults={faults}
      type="text"
      inputMode="numeric"
      autocomplete="one-time-code"
      autocapitalize="none"
      spellcheck={false}
      maxLength={64}
      required
      class="code"
    />
  )
}

/** @param does what the form is to do, where it can do several things */
export function Button({
  children,
  does,
  look,
}: {
  children: ComponentChildren
  does?: string
  look?: 'second' | 'link'
}) {
  return (
    <button type="submit" {...(does !== undefined && { name: 'do', value: does })} {...(look && { class: look })}>
      {children}
    </button>
  )
}

/** A link that is the next step. */
export const LinkButton = ({
  href,
  look,
  children,
}: {
  href: string
  look?: 'second'
  children: ComponentChildren
}) => (
  <p>
    <a class={look ? `button ${look}` : 'button'} href={href}>
      {children}
    </a>
  </p>
)
