//! Operators that the table of prefixes wrote in several ways have one name now: what is kept by name follows it.

crate::schema::step!(
    r#"
-- of two former names of one operator the second has a turn of its own, so that no two rates become the same at once
CREATE TABLE operator_names (before TEXT PRIMARY KEY NOT NULL, now TEXT NOT NULL, turn BIGINT NOT NULL);
INSERT INTO operator_names (before, now, turn) VALUES
    ('42 telecom ab', '42 Telecom AB', 1),
    ('Batelco', 'BaTelCo', 1),
    ('DIGI Communications', 'Digi Communications', 1),
    ('Interactive digital media', 'Interactive Digital Media', 1),
    ('LEBARA', 'Lebara', 1),
    ('Lime', 'LIME', 1),
    ('LycaMobile', 'Lycamobile', 1),
    ('Megafon', 'MegaFon', 1),
    ('Messagebird B.V.', 'MESSAGEBIRD B.V.', 1),
    ('Mobiweb', 'MobiWeb', 1),
    ('Mtel', 'MTEL', 1),
    ('Outremer Telecom', 'OUTREMER TELECOM', 1),
    ('QCELL', 'QCell', 1),
    ('SIA NETBALT', 'SIA NetBalt', 1),
    ('TELENET', 'Telenet', 1),
    ('Tismi BV', 'TISMI BV', 1),
    ('UNITEL', 'Unitel', 1),
    ('VIVA', 'Viva', 1),
    ('Virgin mobile', 'Virgin Mobile', 1),
    ('Voxbone SA', 'VOXBONE SA', 1),
    ('bmobile', 'BMobile', 1),
    ('clx networks ab', 'CLX Networks AB', 1),
    ('compatel limited', 'Compatel Limited', 1),
    ('epic', 'Epic', 1),
    ('interactive digital media gmbh', 'Interactive Digital Media GmbH', 1),
    ('lyca mobile', 'Lyca Mobile', 1),
    ('mi carrier services', 'MI Carrier Services', 1),
    ('movistar', 'Movistar', 1),
    ('ooredoo', 'Ooredoo', 1),
    ('red one', 'red ONE', 1),
    ('telenor', 'Telenor', 1),
    ('telia', 'Telia', 1),
    ('voxbone', 'Voxbone', 1),
    ('МегаФон', 'MegaFon', 2),
    ('tismi bv', 'TISMI BV', 2);
-- neither the version nor the moment of the last change moves: nobody has changed the contact
UPDATE contacts SET operator = (SELECT n.now FROM operator_names n WHERE n.before = contacts.operator)
    WHERE operator IN (SELECT n.before FROM operator_names n);
UPDATE routes SET operator = (SELECT n.now FROM operator_names n WHERE n.before = routes.operator)
    WHERE operator IN (SELECT n.before FROM operator_names n);
-- where a deck has a rate under the new name already, the old one is left, and never met
UPDATE rates SET operator = (SELECT n.now FROM operator_names n WHERE n.before = rates.operator)
    WHERE operator IN (SELECT n.before FROM operator_names n WHERE n.turn = 1)
    AND NOT EXISTS (SELECT 1 FROM rates r JOIN operator_names n ON n.now = r.operator WHERE n.before = rates.operator
        AND r.deck_id = rates.deck_id AND r.country = rates.country AND r.prefix = rates.prefix AND r.valid_from = rates.valid_from);
UPDATE rates SET operator = (SELECT n.now FROM operator_names n WHERE n.before = rates.operator)
    WHERE operator IN (SELECT n.before FROM operator_names n WHERE n.turn = 2)
    AND NOT EXISTS (SELECT 1 FROM rates r JOIN operator_names n ON n.now = r.operator WHERE n.before = rates.operator
        AND r.deck_id = rates.deck_id AND r.country = rates.country AND r.prefix = rates.prefix AND r.valid_from = rates.valid_from);
UPDATE rate_decks SET version = version + 1;
DROP TABLE operator_names;
"#
);
