-- CreateTable
CREATE TABLE "RedirectUri" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "id" UUID NOT NULL,
    "applicationId" UUID,
    "redirectUri" TEXT COLLATE "C" NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "RedirectUri_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "RedirectUri_vendorId_applicationId_redirectUri_key" ON "RedirectUri"("vendorId", "applicationId", "redirectUri") NULLS NOT DISTINCT;

-- AddForeignKey
ALTER TABLE "RedirectUri" ADD CONSTRAINT "RedirectUri_vendorId_applicationId_fkey" FOREIGN KEY ("vendorId", "applicationId") REFERENCES "Application"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "RedirectUri" ADD CONSTRAINT "RedirectUri_vendorId_fkey" FOREIGN KEY ("vendorId") REFERENCES "Vendor"("id") ON DELETE CASCADE ON UPDATE CASCADE;

SELECT owned_by_vendor('"RedirectUri"');
SELECT tells_of_changes('"RedirectUri"');
