-- CreateTable
CREATE TABLE "AccessToken" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "id" UUID NOT NULL,
    "tenantId" TEXT COLLATE "C" NOT NULL,
    "userId" UUID,
    "createdByUserId" UUID,
    "description" TEXT COLLATE "und-x-icu",
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "expiresAt" TIMESTAMPTZ(3),

    CONSTRAINT "AccessToken_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "AccessTokenRole" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "tokenId" UUID NOT NULL,
    "roleId" UUID NOT NULL,

    CONSTRAINT "AccessTokenRole_pkey" PRIMARY KEY ("vendorId","tokenId","roleId")
);

-- CreateIndex
CREATE UNIQUE INDEX "AccessToken_vendorId_id_key" ON "AccessToken"("vendorId", "id");

-- CreateIndex
CREATE INDEX "AccessToken_vendorId_tenantId_createdAt_id_idx" ON "AccessToken"("vendorId", "tenantId", "createdAt", "id");

-- CreateIndex
CREATE INDEX "AccessToken_vendorId_userId_tenantId_idx" ON "AccessToken"("vendorId", "userId", "tenantId");

-- CreateIndex
CREATE INDEX "AccessTokenRole_vendorId_roleId_idx" ON "AccessTokenRole"("vendorId", "roleId");

-- AddForeignKey
ALTER TABLE "AccessToken" ADD CONSTRAINT "AccessToken_vendorId_tenantId_fkey" FOREIGN KEY ("vendorId", "tenantId") REFERENCES "Tenant"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "AccessToken" ADD CONSTRAINT "AccessToken_vendorId_userId_tenantId_fkey" FOREIGN KEY ("vendorId", "userId", "tenantId") REFERENCES "Membership"("vendorId", "userId", "tenantId") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "AccessTokenRole" ADD CONSTRAINT "AccessTokenRole_vendorId_tokenId_fkey" FOREIGN KEY ("vendorId", "tokenId") REFERENCES "AccessToken"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "AccessTokenRole" ADD CONSTRAINT "AccessTokenRole_vendorId_roleId_fkey" FOREIGN KEY ("vendorId", "roleId") REFERENCES "Role"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

SELECT owned_by_vendor('"AccessToken"');
SELECT owned_by_vendor('"AccessTokenRole"');
