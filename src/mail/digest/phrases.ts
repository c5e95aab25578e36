/** Why a mail waits, in a few words and each language of the templates. The whole reason stands in the web view. */

export type Why =
  | 'spam'
  | 'auth_fail'
  | 'own_address'
  | 'agent_token'
  | 'challenge'
  | 'collision'
  | 'command_error'
  | 'note_leak'
  | 'blocked_sender'
  | 'loop'
  | 'rule'
  | 'automatic_policy'
  | 'spam_ticket'
  | 'poison'
  | 'other'

/** The words of a template locale; English where it has none. */
export const whyIn = (locale: string): Record<Why, string> => PHRASES[locale.split('-')[0]!] ?? PHRASES.en!

const PHRASES: Record<string, Record<Why, string>> = {
  en: {
    spam: 'marked as spam',
    auth_fail: 'the sender is forged',
    own_address: 'it claims to come from this desk',
    agent_token: 'it uses the reply address of an agent',
    challenge: 'its agent was asked whether it is theirs',
    collision: 'somebody wrote meanwhile: its agent was told',
    command_error: 'its commands are wrong: its agent was told',
    note_leak: 'it holds words of a note: its agent was told',
    blocked_sender: 'an agent has blocked its sender',
    loop: 'it goes in circles',
    rule: 'a rule holds it',
    automatic_policy: 'automatic mail',
    spam_ticket: 'its ticket is marked as spam',
    poison: 'it could not be read',
    other: 'held',
  },
  de: {
    spam: 'als Spam markiert',
    auth_fail: 'der Absender ist gefälscht',
    own_address: 'angeblich von einer eigenen Adresse',
    agent_token: 'an die Antwortadresse eines Agenten',
    challenge: 'der Agent wurde gefragt, ob sie von ihm ist',
    collision: 'inzwischen kam Neues: der Agent weiß es',
    command_error: 'falsche Befehle: der Agent weiß es',
    note_leak: 'Worte einer Notiz darin: der Agent weiß es',
    blocked_sender: 'ein Agent hat den Absender gesperrt',
    loop: 'Mail-Schleife',
    rule: 'von einer Regel zurückgehalten',
    automatic_policy: 'automatische Mail',
    spam_ticket: 'das Ticket ist als Spam markiert',
    poison: 'nicht lesbar',
    other: 'zurückgehalten',
  },
  fr: {
    spam: 'marqué comme indésirable',
    auth_fail: 'expéditeur falsifié',
    own_address: 'prétend venir d’une de nos adresses',
    agent_token: 'utilise l’adresse de réponse d’un agent',
    challenge: 'on a demandé à l’agent s’il est de lui',
    collision: 'quelqu’un a écrit entre-temps : l’agent est prévenu',
    command_error: 'commandes erronées : l’agent est prévenu',
    note_leak: 'contient des mots d’une note : l’agent est prévenu',
    blocked_sender: 'un agent a bloqué l’expéditeur',
    loop: 'message en boucle',
    rule: 'retenu par une règle',
    automatic_policy: 'message automatique',
    spam_ticket: 'son ticket est marqué comme indésirable',
    poison: 'illisible',
    other: 'retenu',
  },
  es: {
    spam: 'marcado como correo no deseado',
    auth_fail: 'remitente falsificado',
    own_address: 'dice venir de una dirección propia',
    agent_token: 'usa la dirección de respuesta de un agente',
    challenge: 'se preguntó al agente si es suyo',
    collision: 'alguien escribió entretanto: el agente lo sabe',
    command_error: 'órdenes erróneas: el agente lo sabe',
    note_leak: 'contiene palabras de una nota: el agente lo sabe',
    blocked_sender: 'un agente ha bloqueado al remitente',
    loop: 'correo en bucle',
    rule: 'retenido por una regla',
    automatic_policy: 'correo automático',
    spam_ticket: 'su ticket está marcado como no deseado',
    poison: 'no se pudo leer',
    other: 'retenido',
  },
  pl: {
    spam: 'oznaczona jako spam',
    auth_fail: 'sfałszowany nadawca',
    own_address: 'rzekomo z naszego adresu',
    agent_token: 'na adres odpowiedzi agenta',
    challenge: 'zapytano agenta, czy jest od niego',
    collision: 'ktoś napisał w międzyczasie: agent wie',
    command_error: 'błędne polecenia: agent wie',
    note_leak: 'zawiera słowa notatki: agent wie',
    blocked_sender: 'agent zablokował nadawcę',
    loop: 'pętla pocztowa',
    rule: 'zatrzymana przez regułę',
    automatic_policy: 'wiadomość automatyczna',
    spam_ticket: 'zgłoszenie oznaczone jako spam',
    poison: 'nie dało się odczytać',
    other: 'zatrzymana',
  },
  uk: {
    spam: 'позначено як спам',
    auth_fail: 'підроблений відправник',
    own_address: 'начебто з нашої адреси',
    agent_token: 'на адресу відповіді агента',
    challenge: 'агента запитано, чи він його',
    collision: 'тим часом хтось написав: агент знає',
    command_error: 'хибні команди: агент знає',
    note_leak: 'містить слова нотатки: агент знає',
    blocked_sender: 'агент заблокував відправника',
    loop: 'зациклений лист',
    rule: 'затримано правилом',
    automatic_policy: 'автоматичний лист',
    spam_ticket: 'звернення позначено як спам',
    poison: 'не вдалося прочитати',
    other: 'затримано',
  },
  ru: {
    spam: 'помечено как спам',
    auth_fail: 'поддельный отправитель',
    own_address: 'якобы с нашего адреса',
    agent_token: 'на адрес ответа агента',
    challenge: 'агента спросили, его ли это письмо',
    collision: 'тем временем кто-то написал: агент знает',
    command_error: 'ошибочные команды: агент знает',
    note_leak: 'содержит слова заметки: агент знает',
    blocked_sender: 'агент заблокировал отправителя',
    loop: 'зацикленное письмо',
    rule: 'задержано правилом',
    automatic_policy: 'автоматическое письмо',
    spam_ticket: 'обращение помечено как спам',
    poison: 'не удалось прочитать',
    other: 'задержано',
  },
}
