import { createRoot } from 'react-dom/client'
import { BrowserRouter } from 'react-router-dom'
import { FronteggProvider } from '@frontegg/react'
import { App } from './App.jsx'
import { baseUrl, clientId, login } from './settings.js'

createRoot(document.getElementById('root')).render(
  <BrowserRouter>
    <FronteggProvider
      contextOptions={{ baseUrl, clientId }}
      hostedLoginBox={login === 'hosted'}
      customLoginBox={login === 'own'}
      // the screens of the portal come from the vendor's servers: only when somebody opens it
      lazyLoadAdminPortal
      authOptions={{ keepSessionAlive: true, hostedLoginOptions: { loadUserOnFirstLoad: true } }}
    >
      <App />
    </FronteggProvider>
  </BrowserRouter>,
)
