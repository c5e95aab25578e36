-- a claim finds room beside the mail
ALTER TABLE "inbound_mails" SET (fillfactor = 50);--> statement-breakpoint
-- texts of a few KB stay as they are: to compress them was 3 in 100 of the server's work for a mail
ALTER TABLE "comments" SET (toast_tuple_target = 8160);
