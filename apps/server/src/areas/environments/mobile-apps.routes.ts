import { Type } from 'typebox'
import { MINUTE } from '../../kernel/clock.ts'
import { perIp } from '../../kernel/limits.ts'
import { Empty, operation } from '../../kernel/operation.ts'
import { Id } from '../../kernel/validation.ts'
import { mobileAppErrors } from './mobile-apps.errors.ts'
import { AndroidApp, AppleAssociation, AssetLinks, IosApp, NewAndroidApp, NewIosApp } from './mobile-apps.schemas.ts'
import * as apps from './mobile-apps.service.ts'
import type { Platform } from './mobile-apps.service.ts'

// no specification lists these operations: Terraform's provider and phones call them
const url = '/vendors/resources/associated-domains/v1'
const ours = { tag: 'Environments', auth: 'vendor' } as const
const everybodys = { tag: 'Environments', auth: 'public', method: 'GET', limits: [perIp(1000, MINUTE)] } as const

interface Row {
  id: string
  name: string
  fingerprints: string[]
}
const toIos = ({ id, name }: Row) => ({ id, appId: name })
const toAndroid = ({ id, name, fingerprints }: Row) => ({ id, packageName: name, sha256CertFingerprints: fingerprints })

const removing = (id: string, platform: Platform) =>
  operation({
    ...ours,
    id,
    method: 'DELETE',
    path: `${url}/${platform}/{id}`,
    summary: "Let an app open the environment's links no more",
    params: Type.Object({ id: Id }),
    audit: 'mobileApp.deleted',
    returns: { 200: Empty },
    errors: [mobileAppErrors.notFound],
    handler: (ctx, { params }) => apps.remove(ctx, platform, params.id),
  })

export const mobileAppsRoutes = [
  operation({
    ...ours,
    id: 'listIosAppsV1',
    method: 'GET',
    path: `${url}/ios`,
    summary: "List Apple's apps that open the environment's links",
    returns: { 200: Type.Array(IosApp) },
    handler: async (ctx) => (await apps.list(ctx, 'ios')).map(toIos),
  }),
  operation({
    ...ours,
    id: 'createIosAppV1',
    method: 'POST',
    path: `${url}/ios`,
    summary: "Let one of Apple's apps open the environment's links",
    body: NewIosApp,
    audit: 'mobileApp.created',
    returns: { 201: IosApp },
    errors: [mobileAppErrors.taken, mobileAppErrors.tooMany],
    handler: async (ctx, { body }) => toIos(await apps.add(ctx, 'ios', body.appId)),
  }),
  removing('deleteIosAppV1', 'ios'),
  operation({
    ...ours,
    id: 'listAndroidAppsV1',
    method: 'GET',
    path: `${url}/android`,
    summary: "List Android apps that open the environment's links",
    returns: { 200: Type.Array(AndroidApp) },
    handler: async (ctx) => (await apps.list(ctx, 'android')).map(toAndroid),
  }),
  operation({
    ...ours,
    id: 'createAndroidAppV1',
    method: 'POST',
    path: `${url}/android`,
    summary: "Let an Android app open the environment's links",
    body: NewAndroidApp,
    audit: 'mobileApp.created',
    returns: { 201: AndroidApp },
    errors: [mobileAppErrors.taken, mobileAppErrors.tooMany],
    handler: async (ctx, { body }) =>
      toAndroid(await apps.add(ctx, 'android', body.packageName, body.sha256CertFingerprints)),
  }),
  removing('deleteAndroidAppV1', 'android'),
  operation({
    ...everybodys,
    id: 'listAssetLinks',
    path: '/.well-known/assetlinks.json',
    summary: 'Read, as a phone, which Android apps belong to this host',
    returns: { 200: AssetLinks },
    handler: (ctx) => apps.assetLinks(ctx),
  }),
  operation({
    ...everybodys,
    id: 'getAppleAssociation',
    path: '/.well-known/apple-app-site-association',
    summary: "Read, as a phone, which of Apple's apps belong to this host",
    returns: { 200: AppleAssociation },
    handler: (ctx) => apps.appleAssociation(ctx),
  }),
]
