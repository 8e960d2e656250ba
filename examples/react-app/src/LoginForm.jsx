import { useAuthActions, useLoginState } from '@frontegg/react'

/** An own form in place of the login box: the vendor's store does the rest. */
export function LoginForm() {
  const { login } = useAuthActions()
  const { error, loading } = useLoginState()
  const submit = (event) => {
    event.preventDefault()
    login(Object.fromEntries(new FormData(event.target)))
  }
  return (
    <form onSubmit={submit}>
      {error && <p role="alert">{error.message}</p>}
      <p>
        <label>
          Email address <input name="email" type="email" autoComplete="username" required />
        </label>
      </p>
      <p>
        <label>
          Password <input name="password" type="password" autoComplete="current-password" required />
        </label>
      </p>
      <button disabled={loading}>Log in</button>
    </form>
  )
}
