-- CreateTable
CREATE TABLE "UserSource" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "id" UUID NOT NULL,
    "name" TEXT COLLATE "und-x-icu" NOT NULL,
    "type" TEXT COLLATE "C" NOT NULL,
    "description" TEXT COLLATE "und-x-icu" NOT NULL,
    "index" INTEGER NOT NULL,
    "configuration" TEXT COLLATE "C" NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "UserSource_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "UserSourceApplication" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "userSourceId" UUID NOT NULL,
    "applicationId" UUID NOT NULL,

    CONSTRAINT "UserSourceApplication_pkey" PRIMARY KEY ("vendorId","userSourceId","applicationId")
);

-- CreateTable
CREATE TABLE "UserSourceUser" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "userId" UUID NOT NULL,
    "userSourceId" UUID NOT NULL,
    "subject" TEXT COLLATE "C" NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "UserSourceUser_pkey" PRIMARY KEY ("vendorId","userId")
);

-- CreateIndex
CREATE UNIQUE INDEX "UserSource_vendorId_id_key" ON "UserSource"("vendorId", "id");

-- CreateIndex
CREATE INDEX "UserSourceApplication_vendorId_applicationId_idx" ON "UserSourceApplication"("vendorId", "applicationId");

-- CreateIndex
CREATE INDEX "UserSourceUser_vendorId_userSourceId_createdAt_userId_idx" ON "UserSourceUser"("vendorId", "userSourceId", "createdAt", "userId");

-- CreateIndex
CREATE UNIQUE INDEX "UserSourceUser_vendorId_userSourceId_subject_key" ON "UserSourceUser"("vendorId", "userSourceId", "subject");

-- AddForeignKey
ALTER TABLE "UserSource" ADD CONSTRAINT "UserSource_vendorId_fkey" FOREIGN KEY ("vendorId") REFERENCES "Vendor"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "UserSourceApplication" ADD CONSTRAINT "UserSourceApplication_vendorId_userSourceId_fkey" FOREIGN KEY ("vendorId", "userSourceId") REFERENCES "UserSource"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "UserSourceApplication" ADD CONSTRAINT "UserSourceApplication_vendorId_applicationId_fkey" FOREIGN KEY ("vendorId", "applicationId") REFERENCES "Application"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "UserSourceUser" ADD CONSTRAINT "UserSourceUser_vendorId_userId_fkey" FOREIGN KEY ("vendorId", "userId") REFERENCES "User"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "UserSourceUser" ADD CONSTRAINT "UserSourceUser_vendorId_userSourceId_fkey" FOREIGN KEY ("vendorId", "userSourceId") REFERENCES "UserSource"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

SELECT owned_by_vendor('"UserSource"');
SELECT owned_by_vendor('"UserSourceApplication"');
SELECT owned_by_vendor('"UserSourceUser"');
SELECT tells_of_changes('"UserSource"');
SELECT tells_of_changes('"UserSourceApplication"');
