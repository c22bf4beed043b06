-- A user name in E2LM_ADMINS is of the account that first signs in by it. Whom an administrator demoted stays so.
CREATE TABLE admin_names (
    name TEXT PRIMARY KEY,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    at REAL NOT NULL
);
ALTER TABLE people ADD COLUMN demoted INTEGER NOT NULL DEFAULT 0;
-- Sign-ins that were ended by signing out, by their digest: a cookie or a page's pass of one is worth nothing more.
CREATE TABLE sign_outs (
    sign_in TEXT PRIMARY KEY,
    at REAL NOT NULL
);
-- A link's role is for who has signed in, and no visitor has one.
DELETE FROM grants WHERE person LIKE 'visitor-%'
