import {
  AdminPortal,
  useAuth,
  useAuthActions,
  useAuthUserOrNull,
  useLoginWithRedirect,
  useTenantsState,
} from '@frontegg/react'
import { useNavigate } from 'react-router-dom'
import { LoginForm } from './LoginForm.jsx'
import { login } from './settings.js'

export function App() {
  const user = useAuthUserOrNull()
  const { isLoading } = useAuth()
  if (isLoading) return <p>One moment…</p>
  return (
    <main>
      <h1>Henhouse and React</h1>
      {user ? <Home user={user} /> : <Guest />}
    </main>
  )
}

function Guest() {
  const toHostedPage = useLoginWithRedirect()
  const navigate = useNavigate()
  if (login === 'own') return <LoginForm />
  return <button onClick={() => (login === 'hosted' ? toHostedPage() : navigate('/account/login'))}>Log in</button>
}

function Home({ user }) {
  const { tenants } = useTenantsState()
  const { switchTenant, logout } = useAuthActions()
  return (
    <>
      <p>Logged in as {user.email}</p>
      <p>
        <label>
          Account{' '}
          <select value={user.tenantId} onChange={({ target }) => switchTenant({ tenantId: target.value })}>
            {tenants.map(({ tenantId, name }) => (
              <option key={tenantId} value={tenantId}>
                {name}
              </option>
            ))}
          </select>
        </label>
      </p>
      <p>Roles: {user.roles.map(({ name }) => name).join(', ')}</p>
      <button onClick={() => AdminPortal.show()}>Settings</button> <button onClick={() => logout()}>Log out</button>
    </>
  )
}
