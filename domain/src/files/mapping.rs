//! Which contact field a column probably is, by its title in English, Russian, Ukrainian, French, Spanish, Italian or
//! German.
//!
//! Invariants: only a suggestion, the person decides; titles are compared whole after folding (case, accents, spaces and
//! punctuation do not count), never by parts; a field is suggested for one column at most, the first one.

/// Field and its titles, already folded; a folded title has no spaces, so they separate.
const TITLES: &[(&str, &[&str])] = &[
    (
        "phone",
        &[
            "phone phones phonenumber phoneno mobile mobilephone mobilenumber mobileno cell cellphone",
            "cellular telephone telephonenumber tel telno number msisdn contactnumber contactphone whatsapp",
            "gsm телефон телефоны мобильный мобильныйтелефон мобильныиномер мобильныйномер сотовый",
            "сотовыйтелефон номертелефона номер тел моб мобтел контактныйтелефон телефонклиента",
            "номермобильного мобильныйтел мобтелефон мобномер номермобильноготелефона мобільний мобільнийтелефон номертелефону",
            "контактнийтелефон телефони мобільнийномер telephonemobile portable telportable numerodetelephone",
            "ndetelephone notelephone ntelephone telephoneportable numero numerotelephone telefono",
            "telefonomovil movil celular numerodetelefono telefonocelular cellulare telefonocellulare",
            "numeroditelefono numerocellulare telefonino telefon telefonnummer handy handynummer handynr",
            "telefonnr mobilnr rufnr telnr mobil mobilnummer mobiltelefon rufnummer mobilfunknummer mobilfunk",
        ],
    ),
    (
        "first_name",
        &[
            "firstname first givenname forename name fname имя имяклиента імя iмя prenom nombre nombres",
            "primernombre nome vorname rufname",
        ],
    ),
    (
        "last_name",
        &[
            "lastname last surname familyname lname фамилия прізвище nom nomdefamille apellido apellidos",
            "cognome nachname familienname zuname primerapellido",
        ],
    ),
    (
        "full_name",
        &[
            "fullname nameandsurname firstandlastname firstnamelastname firstnameandlastname имяфамилия имяифамилия",
            "імяпрізвище імятапрізвище імяіпрізвище prenomnom prenometnom nomcomplet nombreyapellido nombreyapellidos",
            "nombreapellidos nombrecompleto nomecognome nomeecognome nomecompleto vorundnachname vornachname",
            "vornamenachname vornameundnachname vollstandigername",
        ],
    ),
    (
        "full_name_family_first",
        &[
            "фио фамилияимя фамилияиимя фамилияимяотчество полноеимя піб прізвищеімя прізвищетаімя",
            "прізвищеімяпобатькові повнеімя nomprenom nometprenom nomprenoms apellidosnombre apellidosynombre",
            "apellidoynombre apellidosynombres cognomenome cognomeenome nachnamevorname namevorname",
            "familiennamevorname nachundvorname",
        ],
    ),
    (
        "patronymic",
        &[
            "patronymic middlename secondname отчество побатькові patronyme deuxiemeprenom segundonombre",
            "patronimico secondonome vatersname zweitername mittelname",
        ],
    ),
    (
        "birth_date",
        &[
            "birthdate dateofbirth birthday dob bday born датарождения деньрождения др рождение",
            "датанародження деньнародження datedenaissance naissance anniversaire fechadenacimiento",
            "nacimiento cumpleanos fechanacimiento datadinascita datanascita nascita compleanno geburtsdatum",
            "geburtstag geboren gebdatum датарожд деньрожд дрождения датанар fechanac fnac fechadenac",
            "datenaissance datenaiss nele neele datanasc geburtsdat",
        ],
    ),
    ("sex", &["sex gender пол стать sexe genre civilite sexo genero sesso genere geschlecht anrede"]),
    (
        "email",
        &[
            "email emailaddress mail mailaddress электроннаяпочта почта емейл имейл емаил",
            "элпочта элпошта елпошта адресэлектроннойпочты електроннапошта пошта адресаелектронноїпошти courriel adressemail",
            "adresseemail adresseelectronique correo correoelectronico postaelettronica indirizzoemail",
            "emailadresse mailadresse",
        ],
    ),
    (
        "company",
        &[
            "company companyname organization organisation employer firm компания организация фирма",
            "названиекомпании компанія організація фірма societe entreprise empresa compania organizacion",
            "azienda societa ditta organizzazione firma unternehmen firmenname",
        ],
    ),
    (
        "link",
        &[
            "link url website site web webpage homepage ссылка сайт вебсайт посилання lien siteweb enlace",
            "sitioweb paginaweb collegamento sitoweb sito webseite internetseite",
        ],
    ),
    (
        "comment",
        &[
            "comment comments note notes remark remarks description комментарий комментарии примечание",
            "примечания заметка заметки описание коментар коментарі примітка примітки нотатки commentaire",
            "commentaires remarque remarques comentario comentarios nota notas observaciones commento",
            "commenti osservazioni kommentar bemerkung bemerkungen notiz notizen anmerkung",
        ],
    ),
    ("language", &["language lang locale preferredlanguage язык мова langue idioma lengua lingua sprache"]),
    (
        "time_zone",
        &[
            "timezone timezonename tz tzname ianatimezone часовойпояс часпояс таймзона временнаязона часовийпояс часовапояс",
            "часовазона fuseauhoraire fuseau zonehoraire husohorario zonahoraria fusoorario zeitzone",
        ],
    ),
    (
        "external_id",
        &[
            "externalid id customerid clientid contactid userid crmid внешнийid идентификатор код кодклиента",
            "idклиента номерклиента зовнішнійid ідентифікатор кодклієнта idклієнта identifiant idclient",
            "idexterne numeroclient identificador idcliente idexterno codigo codigodecliente identificativo",
            "idesterno codicecliente kundennummer kundenid externeid kundennr",
        ],
    ),
    (
        "consent",
        &[
            "consent optin subscribed smsconsent marketingconsent permission согласие согласиенарассылку",
            "подписан подписка согласиенаопд согласиенаобработкуперсональныхданных згода згоданарозсилку підписка consentement consentimiento consenso",
            "einwilligung zustimmung",
        ],
    ),
    (
        "consent_at",
        &[
            "consentdate consentat consenttime dateofconsent optindate subscribedat subscriptiondate датасогласия",
            "датаподписки датазгоди датапідписки dateconsentement datedeconsentement fechadeconsentimiento",
            "fechaconsentimiento dataconsenso datadelconsenso einwilligungsdatum datumdereinwilligung",
        ],
    ),
    (
        "consent_source",
        &[
            "consentsource optinsource sourceofconsent источниксогласия источникподписки джерелозгоди",
            "sourceconsentement sourceduconsentement origendelconsentimiento origenconsentimiento fonteconsenso",
            "fontedelconsenso quelledereinwilligung einwilligungsquelle",
        ],
    ),
];

/// For each title of `header` the contact field it probably holds: `phone`, `first_name`, `last_name`, `full_name`,
/// `full_name_family_first`, `patronymic`, `birth_date`, `sex`, `email`, `company`, `link`, `comment`, `language`, `time_zone`, `external_id`, `consent`, `consent_at` or
/// `consent_source`.
pub fn suggest_mapping(header: &[String]) -> Vec<Option<&'static str>> {
    let titles: Vec<String> = header.iter().map(|title| fold_title(title)).collect();
    // In German "Name" beside "Vorname" is the family name; elsewhere "name" is what a person is called.
    let german = titles.iter().any(|title| title == "vorname");
    let mut taken: Vec<&'static str> = Vec::new();
    let mut suggestion = |title: &String| {
        let field = if german && title == "name" { Some("last_name") } else { field_of(title) };
        let field = field.filter(|field| !taken.contains(field))?;
        taken.push(field);
        Some(field)
    };
    titles.iter().map(&mut suggestion).collect()
}

fn field_of(title: &str) -> Option<&'static str> {
    let known = |titles: &&[&str]| titles.iter().flat_map(|line| line.split(' ')).any(|known| known == title);
    TITLES.iter().find(|(_, titles)| known(titles)).map(|(field, _)| *field)
}

/// Lower case letters and digits only, without the accents of the languages above.
pub fn fold_title(title: &str) -> String {
    let plain = |c: char| match c {
        'á' | 'à' | 'â' | 'ä' | 'ã' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ó' | 'ò' | 'ô' | 'ö' | 'õ' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ñ' => 'n',
        'ç' => 'c',
        'ё' => 'е',
        other => other,
    };
    // The apostrophe of the Ukrainian alphabet counts as a letter elsewhere.
    let is_kept = |c: &char| c.is_alphanumeric() && !matches!(c, '\u{2bc}' | '\u{2b9}' | 'ʻ');
    title.chars().flat_map(char::to_lowercase).filter(is_kept).map(plain).collect()
}
