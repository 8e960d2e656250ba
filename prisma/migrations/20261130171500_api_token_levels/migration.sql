-- AlterTable
ALTER TABLE "ApiToken" ADD COLUMN "level" INTEGER;
