-- CreateTable
CREATE TABLE "SocialProvider" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "id" UUID NOT NULL,
    "type" TEXT COLLATE "C" NOT NULL,
    "custom" BOOLEAN NOT NULL,
    "active" BOOLEAN NOT NULL,
    "customised" BOOLEAN NOT NULL,
    "clientId" TEXT COLLATE "C",
    "secret" TEXT COLLATE "C",
    "redirectUrl" TEXT COLLATE "C",
    "additionalScopes" TEXT[] COLLATE "C",
    "options" JSONB NOT NULL,
    "authorizationUrl" TEXT COLLATE "C",
    "tokenUrl" TEXT COLLATE "C",
    "userInfoUrl" TEXT COLLATE "C",
    "scopes" TEXT COLLATE "C",
    "ssoLogoUrl" TEXT COLLATE "C",
    "displayName" TEXT COLLATE "und-x-icu",
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "SocialProvider_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "SocialIdentity" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "id" UUID NOT NULL,
    "providerId" UUID NOT NULL,
    "subject" TEXT COLLATE "C" NOT NULL,
    "userId" UUID NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "SocialIdentity_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "SocialProvider_vendorId_id_key" ON "SocialProvider"("vendorId", "id");

-- CreateIndex
CREATE UNIQUE INDEX "SocialProvider_vendorId_type_key" ON "SocialProvider"("vendorId", "type");

-- CreateIndex
CREATE INDEX "SocialIdentity_vendorId_userId_idx" ON "SocialIdentity"("vendorId", "userId");

-- CreateIndex
CREATE UNIQUE INDEX "SocialIdentity_vendorId_providerId_subject_key" ON "SocialIdentity"("vendorId", "providerId", "subject");

-- AddForeignKey
ALTER TABLE "SocialProvider" ADD CONSTRAINT "SocialProvider_vendorId_fkey" FOREIGN KEY ("vendorId") REFERENCES "Vendor"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "SocialIdentity" ADD CONSTRAINT "SocialIdentity_vendorId_providerId_fkey" FOREIGN KEY ("vendorId", "providerId") REFERENCES "SocialProvider"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "SocialIdentity" ADD CONSTRAINT "SocialIdentity_vendorId_userId_fkey" FOREIGN KEY ("vendorId", "userId") REFERENCES "User"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

SELECT owned_by_vendor('"SocialProvider"');
SELECT owned_by_vendor('"SocialIdentity"');
SELECT tells_of_changes('"SocialProvider"');
