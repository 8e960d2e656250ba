import express from 'express'
import { createRemoteJWKSet, jwtVerify } from 'jose'

/**
 * An API that believes the tokens of one environment. In production, `url` and `issuer` are the environment's own domain.
 * @param {{ url: string, issuer: string, clientId: string, now?: () => Date }} options `now` is the real time when absent
 */
export function newApp({ url, issuer, clientId, now = () => new Date() }) {
  const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', url), {
    headers: { 'frontegg-vendor-id': clientId },
  })

  const authenticated = async (request, response, next) => {
    const token = /^Bearer (.+)$/.exec(request.get('authorization') ?? '')?.[1]
    if (!token) return response.status(401).json({ error: 'no token' })
    try {
      const { payload } = await jwtVerify(token, keys, { issuer, audience: clientId, currentDate: now() })
      request.user = payload
    } catch (error) {
      return response.status(401).json({ error: error.code })
    }
    next()
  }
  const may = (permission) => (request, response, next) =>
    request.user.permissions?.includes(permission) ? next() : response.status(403).json({ error: permission })

  return express()
    .get('/me', authenticated, ({ user }, response) => response.json({ email: user.email, tenant: user.tenantId }))
    .get('/invoices', authenticated, may('invoices.read'), (_, response) => response.json([{ id: 1 }]))
}
