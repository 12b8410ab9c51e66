package jalon.android

import android.content.Context

/** Where the journey is kept on this device. */
internal object StorageFolder {
    /** Below `noBackupFilesDir`, whose path is put together here: asking for it would touch the disk. */
    fun of(app: Context): String = "${app.applicationInfo.dataDir}/no_backup/jalon"
}
