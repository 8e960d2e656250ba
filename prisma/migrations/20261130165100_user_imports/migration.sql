-- CreateTable
CREATE TABLE "UserImport" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "id" UUID NOT NULL,
    "format" TEXT COLLATE "C" NOT NULL,
    "state" TEXT COLLATE "C" NOT NULL,
    "total" INTEGER NOT NULL DEFAULT 0,
    "settings" TEXT COLLATE "C",
    "error" TEXT COLLATE "C",
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "finishedAt" TIMESTAMPTZ(3),

    CONSTRAINT "UserImport_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "UserImportPart" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "importId" UUID NOT NULL,
    "number" INTEGER NOT NULL,
    "start" INTEGER NOT NULL,
    "rows" TEXT COLLATE "C",
    "migrated" INTEGER NOT NULL DEFAULT 0,
    "faults" JSONB NOT NULL DEFAULT '[]',

    CONSTRAINT "UserImportPart_pkey" PRIMARY KEY ("vendorId","importId","number")
);

-- CreateIndex
CREATE UNIQUE INDEX "UserImport_vendorId_id_key" ON "UserImport"("vendorId", "id");

-- AddForeignKey
ALTER TABLE "UserImport" ADD CONSTRAINT "UserImport_vendorId_fkey" FOREIGN KEY ("vendorId") REFERENCES "Vendor"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "UserImportPart" ADD CONSTRAINT "UserImportPart_vendorId_importId_fkey" FOREIGN KEY ("vendorId", "importId") REFERENCES "UserImport"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

SELECT owned_by_vendor('"UserImport"');
SELECT owned_by_vendor('"UserImportPart"');

-- The rows are sealed: trying to compress them is for nothing.
ALTER TABLE "UserImportPart" ALTER COLUMN "rows" SET STORAGE EXTERNAL;
