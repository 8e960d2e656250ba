/** `npm start` of Henhouse listens there, and has this environment. Another server: `VITE_BASE_URL`, `VITE_CLIENT_ID`. */
export const baseUrl = import.meta.env.VITE_BASE_URL ?? 'http://localhost:3100'
export const clientId = import.meta.env.VITE_CLIENT_ID ?? '11111111-1111-4111-8111-111111111111'

/** Where users log in: `hosted` (the page of the server), `embedded` (the vendor's login box) or `own` (a form of this app). */
export const login = import.meta.env.VITE_LOGIN ?? 'hosted'
