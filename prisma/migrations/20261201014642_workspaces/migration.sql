-- AlterTable
ALTER TABLE "Session" ADD COLUMN     "impersonatorId" UUID;

-- CreateTable
CREATE TABLE "Workspace" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "name" TEXT COLLATE "und-x-icu",
    "country" TEXT COLLATE "und-x-icu" NOT NULL DEFAULT '',
    "backendStack" TEXT COLLATE "und-x-icu" NOT NULL DEFAULT '',
    "frontendStack" TEXT COLLATE "und-x-icu" NOT NULL DEFAULT '',
    "openSaaSInstalled" BOOLEAN NOT NULL DEFAULT false,
    "allowedOrigins" TEXT[] COLLATE "C",

    CONSTRAINT "Workspace_pkey" PRIMARY KEY ("vendorId")
);

-- CreateTable
CREATE TABLE "CustomDomain" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "id" UUID NOT NULL,
    "domain" TEXT COLLATE "C" NOT NULL,
    "activeDomain" TEXT COLLATE "C",
    "createdAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "CustomDomain_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "CustomDomain_activeDomain_key" ON "CustomDomain"("activeDomain");

-- CreateIndex
CREATE UNIQUE INDEX "CustomDomain_vendorId_domain_key" ON "CustomDomain"("vendorId", "domain");

-- AddForeignKey
ALTER TABLE "Workspace" ADD CONSTRAINT "Workspace_vendorId_fkey" FOREIGN KEY ("vendorId") REFERENCES "Vendor"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "CustomDomain" ADD CONSTRAINT "CustomDomain_vendorId_fkey" FOREIGN KEY ("vendorId") REFERENCES "Vendor"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- CreateTable
CREATE TABLE "MobileApp" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "id" UUID NOT NULL,
    "platform" TEXT COLLATE "C" NOT NULL,
    "name" TEXT COLLATE "C" NOT NULL,
    "fingerprints" TEXT[] COLLATE "C",
    "createdAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "MobileApp_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "MobileApp_vendorId_platform_name_key" ON "MobileApp"("vendorId", "platform", "name");

-- AddForeignKey
ALTER TABLE "MobileApp" ADD CONSTRAINT "MobileApp_vendorId_fkey" FOREIGN KEY ("vendorId") REFERENCES "Vendor"("id") ON DELETE CASCADE ON UPDATE CASCADE;

SELECT owned_by_vendor('"Workspace"');
SELECT owned_by_vendor('"CustomDomain"');
SELECT tells_of_changes('"Workspace"');
SELECT tells_of_changes('"CustomDomain"');
SELECT owned_by_vendor('"MobileApp"');
SELECT tells_of_changes('"MobileApp"');
