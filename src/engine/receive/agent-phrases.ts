/** The words of agent-mails.ts and sender-mails.ts in the languages of the desk. No line begins with `#`. */

export type Phrases = typeof en

const en = {
  challenge_subject: 'Is this mail yours?',
  challenge_body:
    'A mail in your name came in, and it is not certain that you wrote it. Nothing was done and nothing was sent.\nIf it is yours, answer this mail with the one word “yes”: that releases it, within 24 hours and once. If it is not, do nothing and tell your administrator.',
  notice_subject: 'Your reply address was used by somebody else',
  notice_body:
    'A mail to an address that only you should have is held: it cannot be shown that you may use it there. Nothing was done and nothing was sent.\nIf you passed a notification on, its reader now has that address; it lets nobody in. If the mail was yours, answer the newest notification of the ticket.',
  let_in:
    'To let it in as a customer’s mail, answer this mail with the one line “#accept {mail}”; as a ticket of its own, with “#new mail:{mail}”.',
  held_subject: 'Your mail was not sent',
  collision_body:
    'Somebody wrote after the notification that you answered. Your answer was not sent.\nAnswer this mail with a new text, or with the one word “#send” to send your answer as it is.',
  leak_body:
    'Your answer holds words of a note that customers do not read. It was not sent.\nAnswer this mail with a new text, or with the one word “#send” to send your answer as it is.',
  address_body:
    'Your answer holds a reply address that is for one reader only, perhaps in a quotation that was not recognised. It was not sent.\nAnswer this mail with a new text, without the quotation.',
  error_body:
    'Your mail could not be carried out. Nothing was executed and nothing was sent.\nAnswer this mail with a corrected text, or with the one word “#send” to send your text as it is.',
  unproven_subject: 'A mail with commands came in your name',
  unproven_body:
    'A mail in your name holds lines of commands, and nothing shows that you wrote it. It was taken as a customer’s mail: none of them was executed.\nIf it was yours, answer a notification of the ticket instead, from the address that the desk knows.',
  sender_subject: 'Your mail was not passed on',
  sender_agent:
    'You answered to the reply address of a colleague, or to one that is good no more. Nothing was executed and nothing was sent; your mail waits.\nAnswer your own notification of the ticket instead. To have this mail let in as it is, as a customer’s, whoever works on the ticket answers with the line “#accept {mail}”.',
  sender_contact:
    'Your mail went to an address that only one person here may use; perhaps it stood in a mail that was passed on to you. It was not sent on to anybody, and waits until somebody here has looked at it.\nTo reach us, please answer a mail that we sent to you, or write to {inbox}.',
  reference: 'Reference',
  from: 'From',
  subject: 'Subject',
  text: 'Its text',
}

const de: Phrases = {
  challenge_subject: 'Ist diese Mail von Ihnen?',
  challenge_body:
    'Es kam eine Mail in Ihrem Namen, und es ist nicht sicher, dass Sie sie geschrieben haben. Nichts wurde ausgeführt, nichts gesendet.\nIst sie von Ihnen, antworten Sie auf diese Mail mit dem einen Wort „Ja“: das gibt sie frei, innerhalb von 24 Stunden und einmal. Ist sie es nicht, tun Sie nichts und sagen Sie Ihrem Administrator Bescheid.',
  notice_subject: 'Jemand anderes hat Ihre Antwortadresse benutzt',
  notice_body:
    'Eine Mail an eine Adresse, die nur Sie haben sollten, wird zurückgehalten: es ist nicht zu erkennen, dass Sie sie dort benutzen dürfen. Nichts wurde ausgeführt, nichts gesendet.\nHaben Sie eine Benachrichtigung weitergeleitet, hat nun auch deren Leser diese Adresse; sie lässt niemanden ein. War die Mail von Ihnen, antworten Sie auf die neueste Benachrichtigung des Tickets.',
  let_in:
    'Um sie als Mail eines Kunden einzulassen, antworten Sie auf diese Mail mit der einen Zeile „#accept {mail}“; als eigenes Ticket mit „#new mail:{mail}“.',
  held_subject: 'Ihre Mail wurde nicht gesendet',
  collision_body:
    'Nach der Benachrichtigung, auf die Sie antworten, hat jemand geschrieben. Ihre Antwort wurde nicht gesendet.\nAntworten Sie auf diese Mail mit einem neuen Text, oder nur mit dem Wort “#send”, um Ihre Antwort so zu senden, wie sie ist.',
  leak_body:
    'Ihre Antwort enthält Worte einer Notiz, die Kunden nicht lesen. Sie wurde nicht gesendet.\nAntworten Sie auf diese Mail mit einem neuen Text, oder nur mit dem Wort “#send”, um Ihre Antwort so zu senden, wie sie ist.',
  address_body:
    'Ihre Antwort enthält eine Antwortadresse, die nur für einen Leser bestimmt ist, vielleicht in einem Zitat, das nicht erkannt wurde. Sie wurde nicht gesendet.\nAntworten Sie auf diese Mail mit einem neuen Text, ohne das Zitat.',
  error_body:
    'Ihre Mail konnte nicht ausgeführt werden. Nichts wurde ausgeführt, nichts gesendet.\nAntworten Sie auf diese Mail mit einem berichtigten Text, oder nur mit dem Wort “#send”, um Ihren Text so zu senden, wie er ist.',
  unproven_subject: 'In Ihrem Namen kam eine Mail mit Befehlen',
  unproven_body:
    'Eine Mail in Ihrem Namen enthält Befehlszeilen, und nichts zeigt, dass Sie sie geschrieben haben. Sie wurde wie die Mail eines Kunden behandelt: keine davon wurde ausgeführt.\nWar sie von Ihnen, antworten Sie stattdessen auf eine Benachrichtigung des Tickets, von der Adresse, die der Desk kennt.',
  sender_subject: 'Ihre Mail wurde nicht weitergegeben',
  sender_agent:
    'Sie haben an die Antwortadresse einer anderen Person geantwortet oder an eine, die nicht mehr gilt. Nichts wurde ausgeführt, nichts gesendet; Ihre Mail wartet.\nAntworten Sie stattdessen auf Ihre eigene Benachrichtigung zum Ticket. Soll diese Mail so, wie sie ist, als Mail eines Kunden eingelassen werden, antwortet, wer am Ticket arbeitet, mit der Zeile „#accept {mail}“.',
  sender_contact:
    'Ihre Mail ging an eine Adresse, die hier nur eine Person benutzen darf; vielleicht stand sie in einer Mail, die an Sie weitergeleitet wurde. Sie wurde niemandem gesendet und wartet, bis jemand hier sie angesehen hat.\nUm uns zu erreichen, antworten Sie bitte auf eine Mail, die wir Ihnen gesendet haben, oder schreiben Sie an {inbox}.',
  reference: 'Kennung',
  from: 'Von',
  subject: 'Betreff',
  text: 'Ihr Text',
}

const fr: Phrases = {
  challenge_subject: 'Ce message est-il de vous ?',
  challenge_body:
    "Un message à votre nom est arrivé, et il n'est pas certain que vous l'ayez écrit. Rien n'a été fait ni envoyé.\nS'il est de vous, répondez à ce message par le seul mot « oui » : cela le libère, dans les 24 heures et une seule fois. Sinon, ne faites rien et prévenez votre administrateur.",
  notice_subject: "Quelqu'un d'autre a utilisé votre adresse de réponse",
  notice_body:
    "Un message adressé à une adresse que vous seul devriez avoir est retenu : rien ne montre que vous pouvez l'utiliser ici. Rien n'a été fait ni envoyé.\nSi vous avez transféré une notification, son lecteur a maintenant cette adresse ; elle ne donne accès à rien. Si le message était de vous, répondez à la dernière notification du ticket.",
  let_in:
    "Pour l'admettre comme message d'un client, répondez à ce message par la seule ligne “#accept {mail}” ; comme ticket à part, par “#new mail:{mail}”.",
  held_subject: "Votre message n'a pas été envoyé",
  collision_body:
    "Quelqu'un a écrit après la notification à laquelle vous répondez. Votre réponse n'a pas été envoyée.\nRépondez à ce message par un nouveau texte, ou par le seul mot “#send” pour envoyer votre réponse telle quelle.",
  leak_body:
    "Votre réponse contient des mots d'une note que les clients ne lisent pas. Elle n'a pas été envoyée.\nRépondez à ce message par un nouveau texte, ou par le seul mot “#send” pour envoyer votre réponse telle quelle.",
  address_body:
    "Votre réponse contient une adresse de réponse destinée à un seul lecteur, peut-être dans une citation qui n'a pas été reconnue. Elle n'a pas été envoyée.\nRépondez à ce message par un nouveau texte, sans la citation.",
  error_body:
    "Votre message n'a pas pu être exécuté. Rien n'a été fait ni envoyé.\nRépondez à ce message par un texte corrigé, ou par le seul mot “#send” pour envoyer votre texte tel quel.",
  unproven_subject: 'Un message avec des commandes est arrivé à votre nom',
  unproven_body:
    'Un message à votre nom contient des lignes de commande, et rien ne montre que vous l’avez écrit. Il a été traité comme celui d’un client : aucune n’a été exécutée.\nS’il était de vous, répondez plutôt à une notification du ticket, depuis l’adresse que le service connaît.',
  sender_subject: "Votre message n'a pas été transmis",
  sender_agent:
    'Vous avez répondu à l’adresse de réponse d’un collègue, ou à une adresse qui n’est plus valable. Rien n’a été exécuté ni envoyé ; votre message attend.\nRépondez plutôt à votre propre notification du ticket. Pour que ce message soit admis tel quel, comme celui d’un client, la personne qui traite le ticket répond par la ligne “#accept {mail}”.',
  sender_contact:
    'Votre message est allé à une adresse qu’une seule personne peut utiliser ici ; peut-être figurait-elle dans un message qui vous a été transféré. Il n’a été envoyé à personne et attend que quelqu’un ici l’ait regardé.\nPour nous joindre, répondez à un message que nous vous avons envoyé, ou écrivez à {inbox}.',
  reference: 'Référence',
  from: 'De',
  subject: 'Objet',
  text: 'Son texte',
}

const es: Phrases = {
  challenge_subject: '¿Es suyo este mensaje?',
  challenge_body:
    'Llegó un mensaje en su nombre y no es seguro que lo haya escrito usted. No se hizo ni se envió nada.\nSi es suyo, responda a este mensaje con la única palabra «sí»: eso lo libera, en 24 horas y una sola vez. Si no lo es, no haga nada y avise a su administrador.',
  notice_subject: 'Otra persona usó su dirección de respuesta',
  notice_body:
    'Un mensaje a una dirección que solo usted debería tener está retenido: no consta que pueda usarla aquí. No se hizo ni se envió nada.\nSi reenvió una notificación, su lector tiene ahora esa dirección; no da acceso a nadie. Si el mensaje era suyo, responda a la última notificación del ticket.',
  let_in:
    'Para admitirlo como mensaje de un cliente, responda a este mensaje con la única línea «#accept {mail}»; como ticket propio, con «#new mail:{mail}».',
  held_subject: 'Su mensaje no se envió',
  collision_body:
    'Alguien escribió después de la notificación que usted responde. Su respuesta no se envió.\nResponda a este mensaje con un texto nuevo, o solo con la palabra “#send” para enviar su respuesta tal como está.',
  leak_body:
    'Su respuesta contiene palabras de una nota que los clientes no leen. No se envió.\nResponda a este mensaje con un texto nuevo, o solo con la palabra “#send” para enviar su respuesta tal como está.',
  address_body:
    'Su respuesta contiene una dirección de respuesta destinada a un solo lector, quizá en una cita que no se reconoció. No se envió.\nResponda a este mensaje con un texto nuevo, sin la cita.',
  error_body:
    'Su mensaje no se pudo ejecutar. No se hizo ni se envió nada.\nResponda a este mensaje con un texto corregido, o solo con la palabra “#send” para enviar su texto tal como está.',
  unproven_subject: 'Llegó un mensaje con órdenes en su nombre',
  unproven_body:
    'Un mensaje en su nombre contiene líneas de órdenes y nada muestra que lo escribiera usted. Se trató como el de un cliente: ninguna se ejecutó.\nSi era suyo, responda en su lugar a una notificación del ticket, desde la dirección que el servicio conoce.',
  sender_subject: 'Su mensaje no se transmitió',
  sender_agent:
    'Respondió a la dirección de respuesta de un compañero, o a una que ya no vale. No se ejecutó ni se envió nada; su mensaje espera.\nResponda en su lugar a su propia notificación del ticket. Para que este mensaje se admita tal cual, como el de un cliente, quien trabaja en el ticket responde con la línea «#accept {mail}».',
  sender_contact:
    'Su mensaje fue a una dirección que aquí solo puede usar una persona; quizá estaba en un mensaje que le reenviaron. No se envió a nadie y espera hasta que alguien aquí lo haya visto.\nPara comunicarse con nosotros, responda a un mensaje que le hayamos enviado o escriba a {inbox}.',
  reference: 'Referencia',
  from: 'De',
  subject: 'Asunto',
  text: 'Su texto',
}

const pl: Phrases = {
  challenge_subject: 'Czy ta wiadomość jest od Ciebie?',
  challenge_body:
    'Przyszła wiadomość w Twoim imieniu i nie jest pewne, że to Ty ją napisałeś. Nic nie wykonano i nic nie wysłano.\nJeśli jest Twoja, odpowiedz na tę wiadomość jednym słowem „tak”: to ją zwolni, w ciągu 24 godzin i jeden raz. Jeśli nie jest, nic nie rób i powiadom administratora.',
  notice_subject: 'Ktoś inny użył Twojego adresu odpowiedzi',
  notice_body:
    'Wiadomość na adres, który powinieneś mieć tylko Ty, została wstrzymana: nie wiadomo, czy wolno go tu użyć. Nic nie wykonano i nic nie wysłano.\nJeśli przekazałeś dalej powiadomienie, jego czytelnik ma teraz ten adres; nikomu nie daje on dostępu. Jeśli wiadomość była Twoja, odpowiedz na najnowsze powiadomienie zgłoszenia.',
  let_in:
    'Aby przyjąć ją jako wiadomość klienta, odpowiedz na tę wiadomość jednym wierszem „#accept {mail}”; jako osobne zgłoszenie: „#new mail:{mail}”.',
  held_subject: 'Twoja wiadomość nie została wysłana',
  collision_body:
    'Ktoś napisał po powiadomieniu, na które odpowiadasz. Twoja odpowiedź nie została wysłana.\nOdpowiedz na tę wiadomość nowym tekstem albo samym słowem “#send”, aby wysłać odpowiedź bez zmian.',
  leak_body:
    'Twoja odpowiedź zawiera słowa notatki, której klienci nie czytają. Nie została wysłana.\nOdpowiedz na tę wiadomość nowym tekstem albo samym słowem “#send”, aby wysłać odpowiedź bez zmian.',
  address_body:
    'Twoja odpowiedź zawiera adres odpowiedzi przeznaczony dla jednego czytelnika, może w cytacie, którego nie rozpoznano. Nie została wysłana.\nOdpowiedz na tę wiadomość nowym tekstem, bez cytatu.',
  error_body:
    'Twojej wiadomości nie udało się wykonać. Nic nie wykonano i nic nie wysłano.\nOdpowiedz na tę wiadomość poprawionym tekstem albo samym słowem “#send”, aby wysłać tekst bez zmian.',
  unproven_subject: 'Przyszła wiadomość z poleceniami w Twoim imieniu',
  unproven_body:
    'Wiadomość w Twoim imieniu zawiera wiersze poleceń i nic nie wskazuje, że to Ty ją napisałeś. Potraktowano ją jak wiadomość klienta: żadnego nie wykonano.\nJeśli była Twoja, odpowiedz zamiast tego na powiadomienie zgłoszenia, z adresu, który zna serwis.',
  sender_subject: 'Twoja wiadomość nie została przekazana',
  sender_agent:
    'Odpowiedź poszła na adres odpowiedzi innej osoby albo na taki, który już nie jest ważny. Nic nie wykonano i nic nie wysłano; wiadomość czeka.\nOdpowiedz zamiast tego na własne powiadomienie o zgłoszeniu. Aby tę wiadomość przyjąć taką, jaka jest, jako wiadomość klienta, osoba prowadząca zgłoszenie odpowiada wierszem „#accept {mail}”.',
  sender_contact:
    'Wiadomość poszła na adres, którego może tu używać tylko jedna osoba; być może był w wiadomości, którą ktoś przekazał dalej. Nikomu jej nie wysłano i czeka, aż ktoś tutaj ją obejrzy.\nAby się z nami skontaktować, odpowiedz na wiadomość, którą od nas masz, albo napisz na {inbox}.',
  reference: 'Oznaczenie',
  from: 'Od',
  subject: 'Temat',
  text: 'Jej tekst',
}

const uk: Phrases = {
  challenge_subject: 'Це ваш лист?',
  challenge_body:
    'Надійшов лист від вашого імені, і немає певності, що його написали ви. Нічого не виконано й нічого не надіслано.\nЯкщо він ваш, дайте на цей лист відповідь одним словом «так»: це його звільнить, протягом 24 годин і один раз. Якщо ні, нічого не робіть і повідомте адміністратора.',
  notice_subject: 'Вашу адресу для відповіді використав хтось інший',
  notice_body:
    'Лист на адресу, яка має бути лише у вас, затримано: не видно, що нею тут можна користуватися. Нічого не виконано й нічого не надіслано.\nЯкщо ви переслали сповіщення, його читач тепер має цю адресу; вона нікого не впускає. Якщо лист був ваш, дайте відповідь на найновіше сповіщення заявки.',
  let_in:
    'Щоб прийняти його як лист клієнта, дайте на цей лист відповідь одним рядком «#accept {mail}»; як окрему заявку: «#new mail:{mail}».',
  held_subject: 'Ваш лист не надіслано',
  collision_body:
    'Після сповіщення, на яке ви відповідаєте, хтось написав. Вашу відповідь не надіслано.\nДайте відповідь на цей лист новим текстом або лише словом “#send”, щоб надіслати відповідь без змін.',
  leak_body:
    'Ваша відповідь містить слова нотатки, якої клієнти не читають. Її не надіслано.\nДайте відповідь на цей лист новим текстом або лише словом “#send”, щоб надіслати відповідь без змін.',
  address_body:
    'Ваша відповідь містить адресу для відповіді, призначену одному читачеві, можливо, у цитаті, яку не розпізнано. Її не надіслано.\nДайте відповідь на цей лист новим текстом, без цитати.',
  error_body:
    'Ваш лист не вдалося виконати. Нічого не виконано й нічого не надіслано.\nДайте відповідь на цей лист виправленим текстом або лише словом “#send”, щоб надіслати текст без змін.',
  unproven_subject: 'Від вашого імені надійшов лист із командами',
  unproven_body:
    'Лист від вашого імені містить рядки команд, і ніщо не свідчить, що його написали ви. З ним повелися як із листом клієнта: жодної не виконано.\nЯкщо він був ваш, дайте натомість відповідь на сповіщення заявки з адреси, яку знає служба.',
  sender_subject: 'Ваш лист не передано',
  sender_agent:
    'Ви відповіли на адресу для відповіді колеги або на таку, що вже не діє. Нічого не виконано й нічого не надіслано; ваш лист чекає.\nДайте натомість відповідь на власне сповіщення заявки. Щоб цей лист прийняти таким, як є, як лист клієнта, той, хто працює над заявкою, відповідає рядком «#accept {mail}».',
  sender_contact:
    'Ваш лист надійшов на адресу, якою тут може користуватися лише одна людина; можливо, вона була в листі, який вам переслали. Його нікому не надіслано, і він чекає, доки хтось тут його перегляне.\nЩоб звернутися до нас, дайте відповідь на лист, який ми вам надіслали, або напишіть на {inbox}.',
  reference: 'Позначка',
  from: 'Від',
  subject: 'Тема',
  text: 'Його текст',
}

const ru: Phrases = {
  challenge_subject: 'Это ваше письмо?',
  challenge_body:
    'Пришло письмо от вашего имени, и нет уверенности, что его написали вы. Ничего не выполнено и ничего не отправлено.\nЕсли оно ваше, ответьте на это письмо одним словом «да»: это его освободит, в течение 24 часов и один раз. Если нет, ничего не делайте и сообщите администратору.',
  notice_subject: 'Ваш адрес для ответа использовал кто-то другой',
  notice_body:
    'Письмо на адрес, который должен быть только у вас, задержано: не видно, что им здесь можно пользоваться. Ничего не выполнено и ничего не отправлено.\nЕсли вы переслали уведомление, его читатель теперь знает этот адрес; он никого не впускает. Если письмо было ваше, ответьте на последнее уведомление заявки.',
  let_in:
    'Чтобы принять его как письмо клиента, ответьте на это письмо одной строкой «#accept {mail}»; как отдельную заявку: «#new mail:{mail}».',
  held_subject: 'Ваше письмо не отправлено',
  collision_body:
    'После уведомления, на которое вы отвечаете, кто-то написал. Ваш ответ не отправлен.\nОтветьте на это письмо новым текстом или одним словом “#send”, чтобы отправить ответ как есть.',
  leak_body:
    'Ваш ответ содержит слова заметки, которую клиенты не читают. Он не отправлен.\nОтветьте на это письмо новым текстом или одним словом “#send”, чтобы отправить ответ как есть.',
  address_body:
    'Ваш ответ содержит адрес для ответа, предназначенный одному читателю, возможно, в цитате, которую не удалось распознать. Он не отправлен.\nОтветьте на это письмо новым текстом, без цитаты.',
  error_body:
    'Ваше письмо не удалось выполнить. Ничего не выполнено и ничего не отправлено.\nОтветьте на это письмо исправленным текстом или одним словом “#send”, чтобы отправить текст как есть.',
  unproven_subject: 'От вашего имени пришло письмо с командами',
  unproven_body:
    'Письмо от вашего имени содержит строки команд, и ничто не говорит о том, что его написали вы. С ним обошлись как с письмом клиента: ни одна не выполнена.\nЕсли оно было ваше, ответьте вместо этого на уведомление заявки с адреса, который знает служба.',
  sender_subject: 'Ваше письмо не передано',
  sender_agent:
    'Вы ответили на адрес для ответа коллеги или на такой, который больше не действует. Ничего не выполнено и ничего не отправлено; ваше письмо ждёт.\nОтветьте вместо этого на своё уведомление заявки. Чтобы принять это письмо как есть, как письмо клиента, тот, кто работает над заявкой, отвечает строкой «#accept {mail}».',
  sender_contact:
    'Ваше письмо пришло на адрес, которым здесь может пользоваться только один человек; возможно, он был в письме, которое вам переслали. Оно никому не отправлено и ждёт, пока его здесь не посмотрят.\nЧтобы связаться с нами, ответьте на письмо, которое мы вам отправили, или напишите на {inbox}.',
  reference: 'Метка',
  from: 'От',
  subject: 'Тема',
  text: 'Его текст',
}

const ALL: Record<string, Phrases> = { en, de, fr, es, pl, uk, ru }

/** The words for a reader; a language that has none gets the English ones. */
export function phrasesFor(locale: string): { phrases: Phrases; language: string } {
  const language = locale.split('-')[0]!.toLowerCase()
  const phrases = ALL[language]
  return phrases ? { phrases, language } : { phrases: en, language: 'en' }
}
