-- The steps of a page that wait, so that they are found without the others. Null on pages that were stored before.
ALTER TABLE "job_pages" ADD COLUMN "waits" JSON;
